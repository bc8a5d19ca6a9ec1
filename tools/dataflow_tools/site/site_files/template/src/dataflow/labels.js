// Names of columns as people write them: gdp_million_usd is GDP (million USD).
const acronyms = new Set(
	'api bmi cad chf co2 cpi eur fte gbp gdp gmt gps iata icao id iso jpy kpi kwh mwh no2 nps pm10 pm25 roi sku sql uk un url us usd utc uuid vat vin zip'.split(
		' '
	)
);
const own = { co2: 'CO2', no2: 'NO2', kwh: 'kWh', mwh: 'MWh', pm25: 'PM2.5' };
const units = {
	...{ usd: 'USD', eur: 'EUR', gbp: 'GBP', chf: 'CHF', jpy: 'JPY', cad: 'CAD' },
	...{ kg: 'kg', g: 'g', km: 'km', m: 'm', cm: 'cm', mm: 'mm', kwh: 'kWh', mwh: 'MWh' },
	...{ pct: '%', percent: '%', percentage: '%', seconds: 'seconds', minutes: 'minutes' },
	...{ hours: 'hours', ms: 'ms' }
};
const scales = new Set(['thousand', 'thousands', 'million', 'millions', 'billion', 'billions']);

function written(word) {
	return own[word] ?? (acronyms.has(word) ? word.toUpperCase() : word);
}

/** The words of a name, without the unit at its end, and that unit. */
export function partsOf(column) {
	const words = String(column).split('_').filter(Boolean);
	const unit = [];
	const last = words.at(-1)?.toLowerCase();
	// What follows per is not what a rate is measured in: rate_per_eur is in dollars.
	if (words.length > 1 && units[last] && words.at(-2).toLowerCase() !== 'per') {
		unit.push(units[last]);
		words.pop();
		if (words.length > 1 && scales.has(words.at(-1).toLowerCase())) unit.unshift(words.pop());
	}
	return { words, unit: unit.join(' ') };
}

/** What people read for a column; a unit that is known goes before the one in its name. */
export function labelOf(column, unit = '', given = '') {
	const parts = partsOf(column);
	const text = parts.words.map((word) => written(word.toLowerCase())).join(' ');
	const isWritten = own[parts.words[0]?.toLowerCase()];
	const label = given || (text ? (isWritten ? text : text[0].toUpperCase() + text.slice(1)) : String(column));
	const shown = unit || (given ? '' : parts.unit);
	return shown ? `${label} (${shown})` : label;
}

/** A label within a sentence: by country, but by GDP. */
export function labelWithin(label) {
	return /^[A-Z][a-z]/.test(label) ? label[0].toLowerCase() + label.slice(1) : label;
}

/** A value of a category for people: what is true is yes. */
export function groupLabel(value) {
	return { true: 'yes', false: 'no' }[value] ?? value;
}
