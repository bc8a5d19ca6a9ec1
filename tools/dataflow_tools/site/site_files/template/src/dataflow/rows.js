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

/** One page of them, or all; moments as text, so that no time zone of a reader moves them. */
export function rowsSql(data, picked, columns, term, sort, pageNumber = null) {
	const values = columns.map((one) =>
		kindOf(one.column_type) === 'moment' ? `${shown(one)} as ${name(one.column_name)}` : name(one.column_name)
	);
	const by = sort.column || (data.names?.[data.date] ?? data.date);
	const direction = sort.column ? sort.direction : 'desc';
	return `select ${values.join(', ')}
from ${data.source}.${name(data.table)} as t
where ${chosen(data, picked, columns, term)}
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
