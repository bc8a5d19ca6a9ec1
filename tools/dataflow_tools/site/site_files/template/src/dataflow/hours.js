// At which hour of the day and on which day of the week, by the clock of the workflow's time zone.
import { rowMeasureSql } from './measures.js';
import { name, rowColumn, whereRows } from './sql.js';

export const weekdays = 'Mon Tue Wed Thu Fri Sat Sun'.split(' ');

/**
 * Rows of hour (0 to 23), weekday (1 is Monday) and every measure; those of an hour of all days have
 * no weekday, those of a weekday no hour. `clock_days` is how many such days the data has at that hour:
 * a last day that ends at nine has no evening.
 */
export function hoursSql(data, picked, measures) {
	const moment = rowColumn(data, data.date);
	const values = measures.map((one) => `${rowMeasureSql(data, one)} as ${name(one.name)}`);
	return `with dates as (
	select
		cast(${moment} as date) as clock_day,
		min(min(cast(${moment} as timestamp))) over () as first_moment,
		max(max(cast(${moment} as timestamp))) over () as last_moment
	from ${data.source}.${name(data.table)}
	where ${whereRows(data, { ...picked, categories: {} })} and ${moment} is not null
	group by 1
),
day_hours as (
	select *, unnest(range(24)) as clock_hour from dates
),
lengths as (
	select
		cast(isodow(clock_day) as integer) as clock_weekday,
		cast(clock_hour as integer) as clock_hour,
		count(*) as clock_days
	from day_hours
	where cast(clock_day as timestamp) + to_hours(cast(clock_hour as integer))
		between date_trunc('hour', first_moment) and last_moment
	group by 1, 2
)
select clock_hour, clock_weekday, clock_days, ${values.map((_, index) => name(measures[index].name)).join(', ')}
from (
select clock_hour, clock_weekday, ${values.join(', ')}
from (
	select
		*,
		cast(extract(hour from ${moment}) as integer) as clock_hour,
		cast(isodow(${moment}) as integer) as clock_weekday
	from ${data.source}.${name(data.table)}
	where ${whereRows(data, picked)} and ${moment} is not null
)
group by grouping sets ((clock_hour, clock_weekday), (clock_hour), (clock_weekday))
)
left join lengths using (clock_weekday, clock_hour)
order by clock_hour nulls last, clock_weekday nulls last`;
}

/** Those rows of one measure as { hours: [24], days: [7], cells: [7][24] }; null where there is none. */
export function clockOf(rows, measure) {
	const empty = (length) => Array.from({ length }, () => null);
	const clock = { hours: empty(24), days: empty(7), cells: empty(7).map(() => empty(24)), lengths: empty(7).map(() => empty(24)) };
	for (const { clock_hour: hour, clock_weekday: weekday, clock_days: length, [measure]: value } of rows) {
		if (weekday === null) clock.hours[hour] = value;
		else if (hour === null) clock.days[weekday - 1] = value;
		else {
			clock.cells[weekday - 1][hour] = value;
			clock.lengths[weekday - 1][hour] = length;
		}
	}
	return clock;
}

/** Where values lie between the least and the most of all: from 0 to 1; amounts begin at nothing. */
export function scaleOf(values, isAmount) {
	const known = values.filter((value) => Number.isFinite(value));
	const from = isAmount ? Math.min(0, ...known) : Math.min(...known);
	const to = Math.max(...known);
	return (value) => (to > from ? (value - from) / (to - from) : 1);
}
