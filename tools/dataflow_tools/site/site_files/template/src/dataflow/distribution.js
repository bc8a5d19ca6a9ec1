// How the values of a number, or the lengths of a text, are spread.
import { name, rowColumn, whereRows } from './sql.js';

/** How many, and the numbers that a box plot shows. */
export function spreadSql(data, picked, column) {
	const value = rowColumn(data, column);
	const at = (share, title) => `quantile_cont(${value}, ${share}) as ${title}`;
	return `select
	count(*) as rows,
	count(${value}) as filled,
	min(${value}) as smallest,
	${at(0.25, 'lower')},
	${at(0.5, 'median')},
	${at(0.75, 'upper')},
	max(${value}) as largest,
	avg(${value}) as mean,
	bool_and(${value} = floor(${value})) as is_whole
from ${data.source}.${name(data.table)}
where ${whereRows(data, picked)} and (${value} is null or ${value} between -1e300 and 1e300)`;
}

/** How far values may lie from the quarters without being outliers. */
function fences({ lower, upper }) {
	const reach = 1.5 * (upper - lower);
	return [lower - reach, upper + reach];
}

/** How many values are outliers, and the smallest and the largest of those that are none. */
export function outsideSql(data, picked, column, spread) {
	const value = rowColumn(data, column);
	const [low, high] = fences(spread);
	const inside = `${value} between ${low} and ${high}`;
	return `select
	count(${value}) filter (where not (${inside})) as outside,
	min(${value}) filter (where ${inside}) as from_value,
	max(${value}) filter (where ${inside}) as to_value
from ${data.source}.${name(data.table)}
where ${whereRows(data, picked)} and ${value} between -1e300 and 1e300`;
}

/** The parts of a box plot, in per cent of the way from the smallest to the largest value. */
export function boxOf({ smallest, largest, lower, median, upper }, { from_value, to_value }) {
	const place = (value) => (largest > smallest ? ((value - smallest) / (largest - smallest)) * 100 : 50);
	return {
		from: place(from_value),
		lower: place(lower),
		median: place(median),
		upper: place(upper),
		to: place(to_value)
	};
}

/** The width of about 20 bars that is a round number: 1, 2 or 5 and zeros; of whole numbers 1 at least. */
export function binWidth({ smallest, largest, is_whole: isWhole }, most = 20) {
	const raw = (largest - smallest) / most;
	if (!(raw > 0) || (isWhole && raw < 1)) return 1;
	const size = 10 ** Math.floor(Math.log10(raw));
	return [1, 2, 5, 10].find((step) => step * size >= raw * (1 - 1e-9)) * size;
}

/** Rows of bin (its number, counted from 0) and how many values it has; its values are from
 * bin * width on, and less than the next one's. */
export function binsSql(data, picked, column, width) {
	const value = rowColumn(data, column);
	return `select floor(${value} / ${width}) as bin, count(*) as row_count
from ${data.source}.${name(data.table)}
where ${whereRows(data, picked)} and ${value} between -1e300 and 1e300
group by 1
order by 1`;
}

/** Bars without gaps: [{ from, to, count }]. */
export function barsOf(rows, width) {
	if (rows.length === 0) return [];
	const counts = new Map(rows.map((row) => [row.bin, row.row_count]));
	const first = rows[0].bin;
	const tidy = (value) => Number(value.toPrecision(12));
	return Array.from({ length: rows.at(-1).bin - first + 1 }, (_, index) => ({
		from: tidy((first + index) * width),
		to: tidy((first + index + 1) * width),
		count: counts.get(first + index) ?? 0
	}));
}
