// The values of a category by one measure, the largest first.
import { measureSql, rowMeasureSql } from './measures.js';
import { groupText, name, rowColumn, whereDays, wherePicked, whereRows } from './sql.js';

/**
 * Rows of category and value, all of them: who shows some says how many there are. A category that
 * is ranked is not narrowed by what is picked of itself, so that more can be picked.
 */
export function rankingSql(data, picked, by, measure) {
	if (!data.categories.includes(by)) return rowRankingSql(data, picked, by, measure);
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

/** The same of a column that is no category, such as what each row is about. */
function rowRankingSql(data, picked, by, measure) {
	return `select ${groupText(rowColumn(data, by))} as category, ${rowMeasureSql(data, measure)} as value
from ${data.source}.${name(data.table)}
where ${whereRows(data, picked)}
group by 1
having value is not null
order by value desc, category`;
}
