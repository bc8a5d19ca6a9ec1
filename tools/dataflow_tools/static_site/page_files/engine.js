// DuckDB in the browser: one connection, in which the published tables of a page lie.
import { tableFromIPC } from './flechette.mjs';
import { AsyncDuckDB, VoidLogger } from './duckdb-browser.mjs';

const here = (name) => new URL(name, import.meta.url).href;

export class Engine {
	// Queries without an answer yet.
	open = 0;

	static async start() {
		const engine = new Engine();
		engine.database = new AsyncDuckDB(new VoidLogger(), new Worker(here('duckdb.worker.js')));
		await engine.database.instantiate(here('duckdb.wasm'));
		await engine.database.open({ query: { castTimestampToDate: false } });
		engine.connection = await engine.database.connectInternal();
		return engine;
	}

	/** Make a table of a Parquet file that is fetched whole; `sql` reads it as `published`. */
	async load(url, sql) {
		const answer = await fetch(url);
		if (!answer.ok) throw new Error(`${url} cannot be read: ${answer.status}.`);
		const bytes = new Uint8Array(await answer.arrayBuffer());
		await this.database.registerFileBuffer('published.parquet', bytes);
		await this.arrow("CREATE OR REPLACE VIEW published AS FROM 'published.parquet'");
		await this.arrow(sql);
		await this.arrow('DROP VIEW published');
		await this.database.dropFile('published.parquet');
	}

	/** The rows of a query on a published file, which is forgotten then. */
	async read(url, sql) {
		await this.load(url, `CREATE OR REPLACE TEMP TABLE answer AS ${sql}`);
		return this.rows('FROM answer');
	}

	/** The rows of a query, in Arrow's stream format. */
	async arrow(sql) {
		this.open += 1;
		try {
			return await this.database.runQuery(this.connection, sql);
		} finally {
			this.open -= 1;
		}
	}

	/** Wait until nothing is asked any more: charts ask one thing after another, frame by frame. */
	async idle() {
		for (let still = 0; still < 3; still = this.open ? 0 : still + 1) {
			await new Promise((next) => requestAnimationFrame(next));
		}
	}

	/** The rows of a query, as objects. */
	async rows(sql) {
		return tableFromIPC(await this.arrow(sql), { useDate: true }).toArray();
	}
}
