// The one place that knows what a period is: where it begins, whether it is whole, and with which
// other it is compared. It makes SQL for tables with a row per day (`<table>_daily`), whose days are
// those of the workflow's time zone already.
//   day, first_at, last_at, row_count, <category>..., <measure>_sum, <measure>_count ...
import { measureSql, rowCount } from './measures.js';
import { literal, name, wherePicked } from './sql.js';

const days = { day: 1, week: 7, four_weeks: 28 };
const months = { month: 1, quarter: 3, year: 12 };

export const grainTitles = {
	day: 'Day',
	week: 'Week',
	four_weeks: '4 weeks',
	month: 'Month',
	quarter: 'Quarter',
	year: 'Year'
};

/** The grain that shows a table best; `gap` is the number of days between its dates at least. */
export function usualGrain({ gap, length }) {
	if (gap >= 365) return 'year';
	if (gap >= 89) return 'quarter';
	if (gap >= 28) return 'month';
	if (length > 1100) return 'four_weeks';
	return length > 180 || gap >= 7 ? 'week' : 'day';
}

/** The grains that a reader may choose: none finer than the data, none with one period only. */
export function possibleGrains({ gap, length }) {
	const size = { ...days, month: 28, quarter: 89, year: 365 };
	return Object.keys(size).filter(
		(grain) => size[grain] >= gap && (size[grain] * 2 <= length || grain === usualGrain({ gap, length }))
	);
}

function startOf(grain, day, origin) {
	if (grain === 'day') return day;
	if (grain !== 'four_weeks') return `cast(date_trunc('${grain}', ${day}) as date)`;
	// Counted from the end of the last whole week, so that the last 4 weeks are whole as well.
	const blocks = `floor(date_diff('day', date ${literal(origin)}, ${day}) / 28.0)`;
	return `date ${literal(origin)} + cast(${blocks} as integer) * 28`;
}

function step(grain) {
	return days[grain] ? `interval ${days[grain]} day` : `interval ${months[grain]} month`;
}

function stopOf(grain, start) {
	return `cast(${start} + ${step(grain)} as date)`;
}

/** A year before, by days of the same name where a period is made of weeks or days. */
function yearBefore(grain, start) {
	const back = days[grain] ? 'interval 364 day' : 'interval 12 month';
	return `cast(${start} - ${back} as date)`;
}

/**
 * The common table expressions that say which periods the data has, and which of them are whole.
 *
 * A period is whole if it is over when the data was published, and its last row comes as late in it
 * as those of the periods before: what ends at 15:58 where others end at 23:59 is not. So it is with
 * the first one's first row. Where there is one row for each date (`series`) a date need only have
 * begun. It goes by all rows, whatever a reader has picked.
 */
function wholePeriods(data, grain, origin) {
	const over = data.series ? 'placed.start' : 'placed.stop';
	return `all_days as (
	select
		cast(day as date) as day,
		min(cast(first_at as timestamp)) as first_at,
		max(cast(last_at as timestamp)) as last_at
	from ${data.source}.${name(`${data.table}_daily`)}
	group by 1
),
clock as (
	select max(cast(published_local as timestamp)) as now
	from ${data.source}.published
	where table_name = ${literal(data.table)}
),
placed as (
	select
		start,
		${stopOf(grain, 'start')} as stop,
		epoch(first_at) - epoch(cast(start as timestamp)) as early,
		epoch(last_at) - epoch(cast(start as timestamp)) as late,
		row_number() over (order by start) as number,
		row_number() over (order by start desc) as back
	from (
		select ${startOf(grain, 'day', origin)} as start, min(first_at) as first_at, max(last_at) as last_at
		from all_days
		group by 1
	)
),
usual as (
	select
		quantile_cont(early, 0.9) filter (where number between 2 and 29) as early,
		quantile_cont(late, 0.1) filter (where back between 2 and 29) as late
	from placed
),
wholes as (
	select
		placed.start,
		placed.stop,
		(number > 1 or placed.early <= coalesce(usual.early, placed.early) + slack)
		and (back > 1 or placed.late >= coalesce(usual.late, placed.late) - slack)
		and ${over} <= coalesce(now, ${over}) as is_whole
	from (select *, (epoch(cast(stop as timestamp)) - epoch(cast(start as timestamp))) / 100 as slack from placed) as placed
	cross join usual
	cross join clock
)`;
}

/** From which day to which the data goes, how far its dates lie apart, and where whole weeks end. */
export function extentSql(data) {
	return `with ${wholePeriods(data, 'week')},
gaps as (
	select day, date_diff('day', lag(day) over (order by day), day) as gap from all_days
)
select
	strftime(min(day), '%Y-%m-%d') as first,
	strftime(max(day), '%Y-%m-%d') as last,
	date_diff('day', min(day), max(day)) + 1 as length,
	coalesce(min(gap), 1) as gap,
	strftime(coalesce((select max(stop) from wholes where is_whole), max(day) + 1), '%Y-%m-%d') as origin
from gaps`;
}

/**
 * A row for each period: start and stop (the day after its last one) as text, is_whole, and of each
 * measure its value, its value in the period before (`<measure>_before`) and a year before
 * (`<measure>_year_before`). An unfinished period is compared with nothing, and nothing with it.
 *
 * @param extent What `extentSql` answered.
 * @param by A category, for a row of each of its values and periods.
 */
export function periodsSql(data, picked, grain, extent, by = null) {
	const measures = [...data.measures, rowCount];
	const daily = `${data.source}.${name(`${data.table}_daily`)}`;
	const { from, to } = picked;
	const group = by ? `${name(by)} as series,` : '';
	const window = `over (${by ? 'partition by series ' : ''}order by start)`;
	const filled = ({ name: column, aggregate }) =>
		aggregate === 'average' || data.series ? name(column) : `coalesce(${name(column)}, 0)`;
	// A day without rows is a day with none; a series has its dates and no others.
	const spine = data.series
		? 'select start from wholes'
		: `select cast(unnest(generate_series(
			cast(min(start) as timestamp), cast(max(start) as timestamp), ${step(grain)}
		)) as date) as start from wholes`;
	return `with ${wholePeriods(data, grain, extent.origin)},
counted as (
	select
		${startOf(grain, 'cast(day as date)', extent.origin)} as start,
		${group}
		${measures.map((one) => `${measureSql(one)} as ${name(one.name)}`).join(',\n\t\t')}
	from ${daily}
	where ${wherePicked(picked)}
	group by ${by ? '1, 2' : '1'}
),
spine as (
	${spine}
),
points as (
	select
		spine.start,
		${by ? 'counted.series,' : ''}
		${stopOf(grain, 'spine.start')} as stop,
		coalesce(is_whole, ${stopOf(grain, 'spine.start')} <= coalesce(now, spine.start)) as is_whole,
		${measures.map((one) => `${filled(one)} as ${name(one.name)}`).join(',\n\t\t')}
	from spine
	cross join clock
	left join wholes on wholes.start = spine.start
	${by ? 'inner' : 'left'} join counted on counted.start = spine.start
),
neighbours as (
	select
		*,
		${yearBefore(grain, 'start')} as year_before,
		lag(is_whole) ${window} as was_whole,
		${measures.map((one) => `lag(${name(one.name)}) ${window} as ${name(`${one.name}_before`)}`).join(',\n\t\t')}
	from points
)
select
	strftime(one.start, '%Y-%m-%d') as start,
	strftime(one.stop, '%Y-%m-%d') as stop,
	one.is_whole,
	${by ? 'one.series,' : ''}
	${measures
		.map(
			({ name: column }) => `one.${name(column)},
	case when one.is_whole and was_whole then one.${name(`${column}_before`)} end as ${name(`${column}_before`)},
	case when one.is_whole and earlier.is_whole then earlier.${name(column)} end as ${name(`${column}_year_before`)}`
		)
		.join(',\n\t')}
from neighbours as one
left join points as earlier
	on earlier.start = one.year_before${by ? ' and earlier.series = one.series' : ''}
where true
	${from ? `and one.start >= date ${literal(from)}` : ''}
	${to ? `and (one.stop <= date ${literal(to)} + 1 or date ${literal(to)} >= date ${literal(extent.last)})` : ''}
order by one.start`;
}

const monthNames = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** A day as all pages write it: 5 Mar 2024. */
export function dayTitle(day) {
	const [year, month, number] = day.slice(0, 10).split('-').map(Number);
	return `${number} ${monthNames[month - 1]} ${year}`;
}

function dayBefore(day) {
	return new Date(Date.parse(`${day}T00:00:00Z`) - 86400000).toISOString().slice(0, 10);
}

/** A period as people call it: 5 Mar 2024, Mar 2024, Q1 2024, 2024, 4 Mar 2024 to 10 Mar 2024. */
export function periodTitle(grain, { start, stop }) {
	const [year, month] = start.split('-').map(Number);
	if (grain === 'day') return dayTitle(start);
	if (grain === 'month') return `${monthNames[month - 1]} ${year}`;
	if (grain === 'quarter') return `Q${(month + 2) / 3} ${year}`;
	if (grain === 'year') return String(year);
	return `${dayTitle(start)} to ${dayTitle(dayBefore(stop))}`;
}

/** From when to when the data goes, where its dates are periods by their names: Q1 2022 to Q4 2025. */
export function extentTitle(period, first, last) {
	const title = (day) => (period && period !== 'week' ? periodTitle(period, { start: day }) : dayTitle(day));
	return `${title(first)} to ${title(last)}`;
}

/** The grains that can be chosen for the days that are picked, and the one that is shown. */
export function grainsFor(extent, picked) {
	const from = picked.from > extent.first ? picked.from : extent.first;
	const to = picked.to && picked.to < extent.last ? picked.to : extent.last;
	const length = (Date.parse(to) - Date.parse(from)) / 86400000 + 1;
	const shape = { gap: extent.gap, length };
	const grains = possibleGrains(shape);
	return { grains, grain: grains.includes(picked.grain) ? picked.grain : usualGrain(shape) };
}
