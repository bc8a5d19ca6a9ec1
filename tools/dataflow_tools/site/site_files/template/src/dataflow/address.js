// What a reader has picked on a page, as its address holds it: a link to it shows the same.
//   ?from=2024-01-01&to=2024-03-31&grain=week&country=France&country=Japan
const own = ['from', 'to', 'grain'];

function keyOf(category) {
	return own.includes(category) ? `${category}_` : category;
}

/** What an address picks, of the categories that there are. */
export function pickedIn(search, categories) {
	const given = new URLSearchParams(search);
	const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text ?? '') && !Number.isNaN(Date.parse(text));
	const day = (key) => (isDay(given.get(key)) ? given.get(key) : '');
	return {
		from: day('from'),
		to: day('to'),
		grain: given.get('grain') ?? '',
		categories: Object.fromEntries(categories.map((one) => [one, given.getAll(keyOf(one))]))
	};
}

/** The address of what is picked; what else the address holds stays. */
export function searchOf(picked, search) {
	const given = new URLSearchParams(search);
	for (const key of own) {
		given.delete(key);
		if (picked[key]) given.set(key, picked[key]);
	}
	for (const [category, values] of Object.entries(picked.categories)) {
		given.delete(keyOf(category));
		values.forEach((value) => given.append(keyOf(category), value));
	}
	const text = String(given);
	return text ? `?${text}` : '';
}
