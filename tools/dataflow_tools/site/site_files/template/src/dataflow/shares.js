// How often each answer to a question was given.
import { groupText, name, rowColumn, whereRows } from './sql.js';

// What people say who do not answer: it stands behind the answers.
const noAnswer = /^(no answer|don'?t know|prefer not to (say|answer)|not applicable|n\/a|\(none\))$/i;

/** Rows of answer and count; who did not answer is `(none)`. As a ranking, not narrowed by itself. */
export function sharesSql(data, picked, column) {
	const { [column]: _, ...categories } = picked.categories;
	return `select ${groupText(rowColumn(data, column))} as answer, count(*) as row_count
from ${data.source}.${name(data.table)}
where ${whereRows(data, { ...picked, categories })}
group by 1
order by row_count desc, answer`;
}

/**
 * Those rows in an order that makes sense: that of the scale, of the numbers that they begin with,
 * or the most frequent first. Each has its share of those that answered; `answered` is how many did.
 */
export function sharesOf(rows, scale = []) {
	const given = rows.filter(({ answer }) => answer !== '(none)');
	const answered = given.reduce((sum, { row_count: count }) => sum + count, 0);
	const told = given.filter(({ answer }) => !noAnswer.test(answer));
	const number = ({ answer }) => parseFloat(answer.replace(/^[^\d-]+/, ''));
	const isNumbered = told.length > 0 && told.every((row) => Number.isFinite(number(row)));
	const isYesOrNo = told.every(({ answer }) => answer === 'true' || answer === 'false');
	const place = (row) => {
		if (noAnswer.test(row.answer)) return Infinity;
		if (scale.length > 0) return scale.includes(row.answer) ? scale.indexOf(row.answer) : scale.length;
		if (isYesOrNo) return row.answer === 'true' ? 0 : 1;
		return isNumbered ? number(row) : 0;
	};
	const ordered = given
		.map((row) => ({ ...row, place: place(row), share: row.row_count / answered }))
		.sort((one, other) => (one.place === other.place ? 0 : one.place - other.place));
	return {
		answered,
		total: rows.reduce((sum, { row_count: count }) => sum + count, 0),
		answers: ordered.map(({ answer, row_count: count, share }) => ({ answer, count, share }))
	};
}

/** Promoters (9 and 10), passives and detractors (0 to 6), and the score: -100 to +100. */
export function promoters(answers) {
	const sum = (from, to) =>
		answers
			.filter(({ answer }) => Number(answer) >= from && Number(answer) <= to)
			.reduce((total, { count }) => total + count, 0);
	const [detractors, passives, fans] = [sum(0, 6), sum(7, 8), sum(9, 10)];
	const all = detractors + passives + fans;
	return { promoters: fans, passives, detractors, score: all > 0 ? ((fans - detractors) / all) * 100 : null };
}
