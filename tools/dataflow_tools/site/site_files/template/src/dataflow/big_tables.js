// Tables that are too big to be read as a page opens.

/** As many as publishing tells of: `warn_rows` of the publisher, if nobody has changed it. */
export const mostRows = 2_000_000;
// Of more than these the newest are read from a table of their own, where there is one.
const largeRows = 100_000;

function rowsOf(data, published) {
	return published[data.source]?.rows?.[data.table] ?? 0;
}

/** How many rows the table has, if they are more than a page reads unasked; else 0. */
export function rowsTooMany(data, published) {
	const rows = rowsOf(data, published);
	return rows > mostRows ? rows : 0;
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
