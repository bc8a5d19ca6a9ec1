// Mosaic's widget, which draws a specification, with an engine of this page in the place of a notebook.
import widget from './mosaic-widget.js';

/**
 * Draw a specification into an element.
 *
 * `onSelect` is told the SQL condition of each selection by its name, first when all is drawn.
 */
export function draw(element, spec, engine, onSelect) {
	const state = { spec, preagg_schema: 'mosaic', params: {} };
	const listeners = {};
	const tell = (event, ...facts) => (listeners[event] ?? []).forEach((listener) => listener(...facts));
	const model = {
		get: (key) => state[key],
		set: (key, value) => {
			state[key] = value;
		},
		on: (event, listener) => {
			(listeners[event] ??= []).push(listener);
		},
		off: () => {},
		save_changes: () => {
			const conditions = Object.entries(state.params).map(([name, { predicate }]) => [name, predicate]);
			onSelect(Object.fromEntries(conditions));
		},
		send: async ({ type, sql, uuid }) => {
			try {
				// The short form is younger than this engine.
				const bytes = await engine.arrow(sql.replace(/^DESC /, 'DESCRIBE '));
				tell('msg:custom', { type, uuid }, type === 'arrow' ? [new DataView(bytes.slice().buffer)] : []);
			} catch (error) {
				tell('msg:custom', { type, uuid, error: String(error) }, []);
			}
		}
	};
	widget.initialize({ model });
	widget.render({ model, el: element });
}
