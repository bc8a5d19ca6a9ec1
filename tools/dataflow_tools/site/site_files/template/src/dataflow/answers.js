// Answers of the browser's engine, for components: the last one stays until the next one is there.
import { writable } from 'svelte/store';

/** A store of { rows, error, isLoading } whose `ask` puts the next query, or none, to the engine. */
export function answers() {
	const { subscribe, update } = writable({ rows: [], error: '', isLoading: true });
	let asked = 0;
	let last = null;
	return {
		subscribe,
		async ask(engine, sql) {
			if (!sql || sql === last) return;
			last = sql;
			asked += 1;
			const number = asked;
			update((now) => ({ ...now, isLoading: true }));
			let next;
			try {
				next = { rows: [...(await engine.query(sql))], error: '', isLoading: false };
			} catch (error) {
				next = { rows: [], error: String(error.message ?? error), isLoading: false };
			}
			if (number === asked) update(() => next);
		}
	};
}

/** What a component is told (`of`) with the workflow whose page it stands on. */
export function dataOf(of, workflow) {
	return { categories: [], measures: [], source: workflow, ...of };
}
