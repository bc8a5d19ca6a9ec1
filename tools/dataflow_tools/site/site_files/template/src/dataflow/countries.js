// The countries' shapes (Natural Earth, by the package world-atlas) and their codes and names. It is
// asked for when a map is shown, and comes from this site.
import { feature } from 'topojson-client';
import text from './countries.csv?raw';

const numbers = new Map();
const names = new Map();
for (const line of text.trim().split('\n').slice(1)) {
	const [alpha2, alpha3, numeric, all] = line.split(';');
	for (const one of [alpha2, alpha3, ...all.split('|')]) numbers.set(one.toLowerCase(), numeric);
	names.set(numeric, all.split('|')[0]);
}
// It has no number in the shapes.
const kosovo = numbers.get('xk');

/** The number of a country by its code or its English name; undefined if there is none. */
export function countryNumber(value) {
	return numbers.get(String(value).trim().toLowerCase());
}

export function countryName(numeric) {
	return names.get(numeric);
}

/** All countries as [{ numeric, name, geometry }]: rough for the world, finer for parts of it. */
export async function loadCountries(isFine) {
	const { default: atlas } = isFine
		? await import('world-atlas/countries-50m.json')
		: await import('world-atlas/countries-110m.json');
	return feature(atlas, atlas.objects.countries).features.map(({ id, properties, geometry }) => ({
		numeric: id ?? (properties.name === 'Kosovo' ? kosovo : undefined),
		name: properties.name,
		geometry
	}));
}
