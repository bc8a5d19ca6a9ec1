// Tables that are too big to be read as a page opens.

/** As many as publishing tells of: `warn_rows` of the publisher, if nobody has changed it. */
export const mostRows = 2_000_000;
// Of more than these the newest are read from a table of their own, where there is one.
const largeRows = 100_000;

function rowsLeftOut(data, published) {
	return published[data.source]?.left_out?.[data.table] ?? 0;
}

function rowsOf(data, published) {
	return published[data.source]?.rows?.[data.table] ?? rowsLeftOut(data, published);
}

/** Whether the table has so many rows that it is not published: no page can ask for them. */
export function isLeftOut(data, published) {
	return rowsLeftOut(data, published) > 0;
}

/** An error of the engine, or where it lacks a table that is left out, an error that says so. */
export function explained(error, published) {
	const table = /Table with name (\w+) does not exist/.exec(String(error?.message ?? error))?.[1];
	const rows = Object.values(published).find((notes) => notes.left_out?.[table])?.left_out[table];
	return rows
		? new Error(
				`The ${rows.toLocaleString('en')} rows of ${table} are not published: a browser cannot open so many. ` +
					`Group or filter in sources/${table}.sql.`
			)
		: error;
}

/** How many rows the table has, if they are more than a page reads unasked; else 0. */
export function rowsTooMany(data, published) {
	const rows = rowsOf(data, published);
	return rows > mostRows || isLeftOut(data, published) ? rows : 0;
}

/** How many of its newest rows a large table has in a table of their own; else 0. */
export function rowsApart(data, published) {
	if (rowsOf(data, published) <= largeRows) return 0;
	return rowsOf(newestOf(data), published);
}

/** The table of the newest rows, which is published beside the table of all. */
export function newestOf(data) {
	return { ...data, table: `${data.table}_latest` };
}
