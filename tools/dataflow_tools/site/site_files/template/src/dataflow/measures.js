// What a measure is: a name, how its values are put together, and how they are written.
//   { name, aggregate: 'sum' | 'average', weight, format: 'share' | 'percent' | 'nps', label, sql }
// `weight` is the column that says how much each value counts: the visits of a rate of visits. A mean
// is a sum over a count, both kept for each day and group, so no mean of means is taken.
// `sql` is what a row counts where that is no column: case when status = 'ok' then 1 else 0 end.
import { groupText, name, rowColumn, whereRows } from './sql.js';
import { numberText } from './formats.js';
import { labelOf, labelWithin } from './labels.js';

export const rowCount = { name: 'row_count', aggregate: 'count', label: 'Rows' };

/** The measures of a page, the number of rows first unless there is one row for each date. */
export function shownMeasures(data) {
	return data.series ? data.measures : [rowCount, ...data.measures];
}

/** A measure over groups of rows, in a table with `<measure>_sum` and `<measure>_count`. */
export function measureSql({ name: column, aggregate }) {
	if (aggregate === 'count') return 'sum(row_count)';
	const total = `sum(${name(`${column}_sum`)})`;
	if (aggregate === 'sum') return total;
	return `${total} / nullif(sum(${name(`${column}_count`)}), 0)`;
}

/**
 * The category whose values may not be added up, such as revenue and cost, unless one is picked.
 */
export function kindsApart({ kinds }, picked) {
	return kinds && picked.categories[kinds]?.length !== 1 ? kinds : null;
}

/** What a row counts of a measure; promoters 100 and detractors -100, whose mean is the NPS. */
function valueSql(data, { name: one, format, sql }) {
	if (sql) return `cast((${sql}) as double)`;
	const column = rowColumn(data, one);
	if (format !== 'nps') return column;
	return `cast(case when ${column} >= 9 then 100 when ${column} <= 6 then -100 when ${column} is not null then 0 end as double)`;
}

/** A measure over rows of the table with every row. */
export function rowMeasureSql(data, measure) {
	if (measure.aggregate === 'count') return 'count(*)';
	const value = valueSql(data, measure);
	if (measure.aggregate === 'sum') return `sum(${value})`;
	if (!measure.weight) return `avg(${value})`;
	const weight = rowColumn(data, measure.weight);
	const known = `sum(${weight}) filter (where ${value} is not null)`;
	return `sum(${value} * ${weight}) / nullif(${known}, 0)`;
}

/** The measures over all rows that are picked, or for each value of a category (`series`). */
export function totalsSql(data, picked, by = null) {
	const series = by && `${groupText(rowColumn(data, by))} as series`;
	const values = shownMeasures(data).map((one) => `${rowMeasureSql(data, one)} as ${name(one.name)}`);
	return `select ${[...(by ? [series] : []), ...values].join(', ')}
from ${data.source}.${name(data.table)}
where ${whereRows(data, picked)}${by ? '\ngroup by 1\norder by 1' : ''}`;
}

/** What a measure is called: Total amount (EUR), Average price. */
export function measureTitle(measure, unit = '') {
	if (measure.aggregate === 'count') return measure.label;
	const label = labelOf(measure.name, measure.format ? '' : unit, measure.label);
	if (measure.label) return label;
	if (measure.format === 'nps') return /\bnps\b/i.test(label) ? label : `NPS (${labelWithin(label)})`;
	return `${measure.aggregate === 'sum' ? 'Total' : 'Average'} ${labelWithin(label)}`;
}

/** A score from -100 to +100, without decimals. */
function signed(value) {
	const rounded = Math.round(value);
	return rounded > 0 ? `+${rounded}` : String(rounded || 0);
}

/** A value of a measure as text; `all` are the values that it stands among. */
export function valueText(measure, value, all = [value]) {
	if (value === null || value === undefined) return '–';
	if (measure.format === 'nps') return signed(value);
	if (measure.format === 'share') return `${numberText(value * 100, [value * 100], 1)} %`;
	if (measure.format === 'percent') return `${numberText(value, [value], 1)} %`;
	return numberText(value, all);
}

/** How a value differs from an earlier one: in per cent, or in points where it is a percentage. */
export function changeText(measure, value, before) {
	if (value === null || before === null || value === undefined || before === undefined) return null;
	const sign = (change, text) => (change > 0 ? `+${text}` : text);
	if (measure.format) {
		const points = (value - before) * (measure.format === 'share' ? 100 : 1);
		return sign(points, `${numberText(points, [points], 1)} points`);
	}
	if (before <= 0) return null;
	const change = (value / before - 1) * 100;
	return sign(Math.round(change * 10) / 10, `${change.toFixed(1)} %`.replace('-0.0', '0.0'));
}
