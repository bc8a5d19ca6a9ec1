// What the contract and dbt say of columns: what they mean, and the unit of their numbers.
import { literal } from './sql.js';

export function meaningsSql(data) {
	return `select column_name, description, unit from ${data.source}.descriptions
where table_name in ('', ${literal(data.table)})`;
}

/** The unit of a column, among the rows that `meaningsSql` answers; a percentage's is its format. */
export function unitOf(meanings, column) {
	return meanings.find(({ column_name: one }) => one.toLowerCase() === column)?.unit ?? '';
}
