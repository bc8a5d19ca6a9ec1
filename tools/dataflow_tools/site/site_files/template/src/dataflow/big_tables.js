// Tables that are too big to be read as a page opens.

/** As many as publishing tells of: `warn_rows` of the publisher, if nobody has changed it. */
export const mostRows = 2_000_000;

/** How many rows the table has, if they are more than a page reads unasked; else 0. */
export function rowsTooMany(data, published) {
	const rows = published[data.source]?.rows?.[data.table] ?? 0;
	return rows > mostRows ? rows : 0;
}
