// The rows of a table: searched, sorted and paged by the engine, which reads what it needs of the
// published file, so that all of it can be searched.
import { literal, name, whereRows } from './sql.js';

export const pageLength = 10;

export function columnsSql(data) {
	return `select column_name, data_type as column_type
from information_schema.columns
where table_schema = ${literal(data.source)} and table_name = ${literal(data.table)}
order by ordinal_position`;
}

/** The kind of a column for people: number, moment, flag or text. */
export function kindOf(type) {
	if (/^(TIMESTAMP|DATE)/.test(type)) return 'moment';
	if (type === 'BOOLEAN') return 'flag';
	return /^(DOUBLE|FLOAT|DECIMAL|U?(TINY|SMALL|BIG|HUGE)?INT)/.test(type) ? 'number' : 'text';
}

function chosen(data, picked, columns, term) {
	const where = whereRows(data, picked);
	if (!term.trim()) return where;
	const text = columns.map((one) => shown(one)).join(', ');
	return `${where} and contains(lower(concat_ws(' ', ${text})), lower(${literal(term.trim())}))`;
}

function shown({ column_name: column, column_type: type }) {
	if (kindOf(type) === 'moment') return `strftime(${name(column)}, '%Y-%m-%d %H:%M:%S')`;
	return `cast(${name(column)} as varchar)`;
}

/** How many rows there are of those that are picked and found. */
export function countSql(data, picked, columns, term) {
	return `select count(*) as total from ${data.source}.${name(data.table)}
where ${chosen(data, picked, columns, term)}`;
}

function orderOf(data) {
	return data.names?.[data.date] ?? data.date;
}

/**
 * Whether the table of the newest rows (see big_tables.js) has the page that a reader looks at: he
 * sees all rows, with nothing picked or searched.
 */
export function hasPage(columns, newestColumns, length, picked, term, pageNumber) {
	const isPicked = picked.from || picked.to || Object.values(picked.categories).some((one) => one.length > 0);
	const same = JSON.stringify(columns) === JSON.stringify(newestColumns);
	return same && !isPicked && !term.trim() && (pageNumber + 1) * pageLength <= length;
}

/** The oldest moment on a page of the newest rows, which reads one column; '' without a date. */
export function boundSql(data, picked, columns, pageNumber) {
	const by = columns.find(({ column_name }) => column_name === orderOf(data));
	if (!by) return '';
	const newest = `select ${name(by.column_name)} as at_moment
from ${data.source}.${name(data.table)}
where ${whereRows(data, picked)} and ${name(by.column_name)} is not null
order by 1 desc
limit ${(pageNumber + 1) * pageLength}`;
	const text = shown({ ...by, column_name: 'at_moment' });
	return `select min(${text}) as bound from (${newest}) having count(*) = ${(pageNumber + 1) * pageLength}`;
}

/** One page of them, or all; moments as text, so that no time zone of a reader moves them. */
export function rowsSql(data, picked, columns, term, sort, pageNumber = null, bound = null) {
	const values = columns.map((one) =>
		kindOf(one.column_type) === 'moment' ? `${shown(one)} as ${name(one.column_name)}` : name(one.column_name)
	);
	const by = sort.column || orderOf(data);
	const kind = columns.find(({ column_name }) => column_name === by)?.column_type;
	const isNew = bound === null ? 'true' : `t.${name(by)} >= cast(${literal(bound)} as ${kind})`;
	const direction = sort.column ? sort.direction : 'desc';
	return `select ${values.join(', ')}
from ${data.source}.${name(data.table)} as t
where ${chosen(data, picked, columns, term)} and ${isNew}
${by ? `order by t.${name(by)} ${direction} nulls last` : ''}
${pageNumber === null ? '' : `limit ${pageLength} offset ${pageNumber * pageLength}`}`;
}

/**
 * Rows as a CSV file. Values are as they are, also where a spreadsheet would take one for a formula:
 * programs read the file as well.
 */
export function csvOf(columns, rows) {
	const cell = (value) => {
		const text = value === null || value === undefined ? '' : String(value);
		return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
	};
	const names = columns.map(({ column_name }) => column_name);
	return [names, ...rows.map((row) => names.map((one) => row[one]))]
		.map((line) => line.map(cell).join(','))
		.join('\r\n');
}
