// Texts that are read: the most frequent ones, found by their words, and how long they are.
import { literal, name, rowColumn, whereRows } from './sql.js';

function found(data, picked, column, term) {
	const text = rowColumn(data, column);
	const words = term.trim() ? ` and contains(lower(${text}), lower(${literal(term.trim())}))` : '';
	return `from ${data.source}.${name(data.table)}
where ${whereRows(data, picked)} and trim(${text}) <> ''${words}`;
}

/** How many texts there are, how many different ones, and how many characters they have. */
export function textFactsSql(data, picked, column, term = '') {
	const text = rowColumn(data, column);
	return `select
	count(*) as filled,
	count(distinct ${text}) as differing,
	min(length(${text})) as shortest,
	median(length(${text})) as middle,
	max(length(${text})) as longest
${found(data, picked, column, term)}`;
}

/** Rows of text and how often it is there, the most frequent first. */
export function textsSql(data, picked, column, term, most) {
	const text = rowColumn(data, column);
	return `select ${text} as text, count(*) as row_count
${found(data, picked, column, term)}
group by 1
order by row_count desc, text
limit ${most}`;
}
