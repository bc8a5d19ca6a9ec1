// What a measure is: a name, how its values are put together, and how they are written.
//   { name, aggregate: 'sum' | 'average', weight, format: 'share' | 'percent', label }
// `weight` is the column that says how much each value counts: the visits of a rate of visits. A mean
// is a sum over a count, both kept for each day and group, so no mean of means is taken.
import { name, rowColumn, whereRows } from './sql.js';
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

/** The measures over all rows that are picked, or for each value of a category (`series`). */
export function totalsSql(data, picked, by = null) {
	const series = by && `coalesce(cast(${rowColumn(data, by)} as varchar), '(none)') as series`;
	const values = shownMeasures(data).map(({ name: one, aggregate, weight }) => {
		const column = rowColumn(data, one);
		if (aggregate === 'count') return `count(*) as ${name(one)}`;
		if (aggregate === 'sum') return `sum(${column}) as ${name(one)}`;
		if (!weight) return `avg(${column}) as ${name(one)}`;
		const known = `sum(${rowColumn(data, weight)}) filter (where ${column} is not null)`;
		return `sum(${column} * ${rowColumn(data, weight)}) / nullif(${known}, 0) as ${name(one)}`;
	});
	return `select ${[...(by ? [series] : []), ...values].join(', ')}
from ${data.source}.${name(data.table)}
where ${whereRows(data, picked)}${by ? '\ngroup by 1\norder by 1' : ''}`;
}

/** What a measure is called: Total amount (EUR), Average price. */
export function measureTitle(measure, unit = '') {
	if (measure.aggregate === 'count') return measure.label;
	const label = labelOf(measure.name, measure.format ? '' : unit, measure.label);
	if (measure.label) return label;
	return `${measure.aggregate === 'sum' ? 'Total' : 'Average'} ${labelWithin(label)}`;
}

/** A value of a measure as text; `all` are the values that it stands among. */
export function valueText(measure, value, all = [value]) {
	if (value === null || value === undefined) return '–';
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
