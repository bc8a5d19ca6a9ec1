// The values of a category by one measure, the largest first.
import { measureSql } from './measures.js';
import { name, whereDays, wherePicked } from './sql.js';

/**
 * Rows of category and value, all of them: who shows some says how many there are. A category that
 * is ranked is not narrowed by what is picked of itself, so that more can be picked.
 */
export function rankingSql(data, picked, by, measure) {
	const { [by]: _, ...categories } = picked.categories;
	const groups = `${data.source}.${name(`${data.table}_${data.date ? 'daily' : 'groups'}`)}`;
	const range = data.date ? whereDays(picked, 'cast(day as date)') : 'true';
	return `select ${name(by)} as category, ${measureSql(measure)} as value
from ${groups}
where ${wherePicked({ categories })} and ${range}
group by 1
having value is not null
order by value desc, category`;
}
