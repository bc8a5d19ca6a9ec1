// What a reader has picked on a page: one store that its components share, kept in the address.
import { writable } from 'svelte/store';
import { pickedIn, searchOf } from './address.js';

let shownPath = null;
const store = writable(pickedIn('', []));

function write(picked) {
	const address = location.pathname + searchOf(picked, location.search) + location.hash;
	// Not by way of SvelteKit, which would draw the whole page anew.
	history.replaceState(history.state, '', address);
	return picked;
}

/** The store of what is picked on this page; components that share a page share it. */
export function pickedOn(data) {
	const categories = data.categories ?? [];
	if (shownPath !== location.pathname) {
		shownPath = location.pathname;
		store.set(pickedIn(location.search, categories));
	} else {
		store.update((now) => ({
			...now,
			categories: { ...pickedIn(location.search, categories).categories, ...now.categories }
		}));
	}
	return {
		subscribe: store.subscribe,
		/** Pick days or a grain. */
		set: (part) => store.update((now) => write({ ...now, ...part })),
		/** Pick a value of a category, or no longer. */
		toggle: (category, value) =>
			store.update((now) => {
				const chosen = now.categories[category] ?? [];
				const isIn = chosen.includes(value);
				const next = isIn ? chosen.filter((one) => one !== value) : [...chosen, value];
				return write({ ...now, categories: { ...now.categories, [category]: next } });
			}),
		/** Pick nothing. */
		clear: () => store.update(() => write(pickedIn('', categories)))
	};
}
