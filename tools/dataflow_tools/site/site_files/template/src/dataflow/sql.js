// Small pieces of SQL for the browser's engine, which is DuckDB 0.9.

/** A text in SQL. */
export function literal(text) {
	return `'${String(text).replaceAll("'", "''")}'`;
}

/** A column or table in SQL. */
export function name(identifier) {
	return `"${String(identifier).replaceAll('"', '""')}"`;
}

/** A column in the table with every row, which without dbt has the source's own names. */
export function rowColumn({ names = {} }, identifier) {
	return name(names[identifier] ?? identifier);
}

/** The condition for what a reader has picked of categories, in tables of groups. */
export function wherePicked({ categories = {} }, column = name) {
	const parts = Object.entries(categories)
		.filter(([, values]) => values.length > 0)
		.map(([category, values]) => `${column(category)} in (${values.map(literal).join(', ')})`);
	return parts.length > 0 ? parts.join(' and ') : 'true';
}

/** The condition for the days that a reader has picked. */
export function whereDays({ from, to }, day) {
	const parts = [];
	if (from) parts.push(`${day} >= date ${literal(from)}`);
	if (to) parts.push(`${day} <= date ${literal(to)}`);
	return parts.length > 0 ? parts.join(' and ') : 'true';
}

/** A value of a category as text, as the tables of groups have it; published numbers are doubles. */
export function groupText(column) {
	const number = `cast(try_cast(${column} as bigint) as varchar)`;
	const text = `case when typeof(${column}) = 'DOUBLE' then ${number} else cast(${column} as varchar) end`;
	return `coalesce(${text}, '(none)')`;
}

/** The first day of what the date column of a table says, which may be text such as 2024-03. */
export function dayOf(data) {
	const { date, period } = data;
	const column = rowColumn(data, date);
	const year = `cast(left(cast(${column} as varchar), 4) as integer)`;
	if (period === 'year') return `make_date(cast(${column} as integer), 1, 1)`;
	if (period === 'month') return `make_date(${year}, cast(right(${column}, 2) as integer), 1)`;
	if (period === 'quarter') {
		return `make_date(${year}, cast(right(${column}, 1) as integer) * 3 - 2, 1)`;
	}
	if (period === 'week') {
		// The week with 4 January is the first one of a year.
		const first = `cast(date_trunc('week', make_date(${year}, 1, 4)) as date)`;
		return `${first} + (cast(right(${column}, 2) as integer) - 1) * 7`;
	}
	return `cast(${column} as date)`;
}

/** The condition for all that a reader has picked, in the table with every row. */
export function whereRows(data, picked) {
	const text = (category) => groupText(rowColumn(data, category));
	const range = data.date ? whereDays(picked, dayOf(data)) : 'true';
	return `${wherePicked(picked, text)} and ${range}`;
}
