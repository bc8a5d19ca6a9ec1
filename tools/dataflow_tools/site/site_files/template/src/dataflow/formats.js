// Formats that pages may name beside Evidence's own. A fixed one shows a small rate as 0.00 and a
// large amount as 491,928,925,396.87; these go by the size of the numbers of a column:
//   readable_number  0.0000052, 12.61, 254,925 or 492B, alike for all numbers of a column
//   readable_change  the same with its sign
//   readable_axis    the same without zeros at its end, for charts: 40 and 2.5B
// Evidence takes the last word of a column's name for the name of a format, which cannot hit these.
const units = [
	[1e12, 1e12, 'T'],
	[1e9, 1e9, 'B'],
	[1e7, 1e6, 'M']
];

/** How many decimals tell the numbers of a column apart; `given` is how many they have. */
function decimalsFor(largest, given) {
	if (largest === 0 || largest >= 1e5) return 0;
	if (largest >= 1) return Math.min(given, 2);
	const needed = Math.min(2 - Math.floor(Math.log10(largest)), 12);
	// A number written as 5.2e-6 does not have the decimals that Evidence counts.
	return largest < 1e-3 ? needed : Math.min(given, needed);
}

function ownDecimals(value) {
	return String(value).split('.')[1]?.length ?? 0;
}

function format(value, summary, options) {
	if (typeof value !== 'number' || !Number.isFinite(value)) return String(value);
	const largest = Math.max(...[summary?.min ?? value, summary?.max ?? value].map(Math.abs));
	const [, size, unit] = units.find(([from]) => largest >= from) ?? [0, 1, ''];
	// The steps of an axis may have decimals where the numbers of its column have none.
	const isFree = options.minimumFractionDigits === 0;
	const given = summary && !isFree ? summary.maxDecimals : ownDecimals(value);
	const decimals = unit
		? Math.max(0, 2 - Math.floor(Math.log10(largest / size)))
		: decimalsFor(largest, given);
	const digits = new Intl.NumberFormat('en', {
		minimumFractionDigits: decimals,
		maximumFractionDigits: decimals,
		...options
	});
	return digits.format(value / size) + unit;
}

function custom(formatTag, options) {
	return {
		formatTag,
		formatCode: 'auto',
		valueType: 'number',
		_autoFormat: {
			autoFormatFunction: (value, _, summary) => format(value, summary, options)
		}
	};
}

export const customFormats = [
	custom('readable_number', { signDisplay: 'negative' }),
	custom('readable_change', { signDisplay: 'exceptZero' }),
	custom('readable_axis', { signDisplay: 'negative', minimumFractionDigits: 0 })
];

/** A number with all of its digits, and as many decimals as those have that it stands among. */
export function exactText(value, all = [value]) {
	const decimals = Math.max(0, ...all.map((one) => ownDecimals(Number(Number(one).toPrecision(12)))));
	return new Intl.NumberFormat('en', {
		minimumFractionDigits: Math.min(decimals, 12),
		maximumFractionDigits: Math.min(decimals, 12)
	}).format(value);
}

/** A number by its size and that of those it stands among; `most` is how many decimals at most. */
export function numberText(value, all = [value], most = 2) {
	const numbers = all.filter((one) => Number.isFinite(one));
	const summary = {
		min: Math.min(...numbers),
		max: Math.max(...numbers),
		maxDecimals: Math.min(most, Math.max(0, ...numbers.map((one) => ownDecimals(Number(one.toPrecision(12))))))
	};
	return format(value, numbers.length > 0 ? summary : undefined, { signDisplay: 'negative' });
}
