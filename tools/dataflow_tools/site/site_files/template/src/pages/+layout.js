// In place of Evidence's own file of this name. The pages are not rendered at build time, so they
// show what is published, not what was when the site was built, and a page opens the tables of its
// own workflow and of those that its queries name, so that a hundred workflows cost no more than one.
import { browser } from '$app/environment';
import { base } from '$app/paths';
import {
	initDB,
	query as runQuery,
	setParquetURLs,
	updateSearchPath
} from '@evidence-dev/universal-sql/client-duckdb';
import { profile } from '@evidence-dev/component-utilities/profile';
import { setTrackProxy } from '@evidence-dev/sdk/usql';
import { addBasePath } from '@evidence-dev/sdk/utils/svelte';
import { explained } from '../dataflow/big_tables.js';
import { tellOfCrashes } from '../dataflow/crash.js';
import { customFormats } from '../dataflow/formats.js';
import { readManifest } from '../dataflow/manifest.js';
import site from '../dataflow/site.json';

export const ssr = false;
export const prerender = false;
export const trailingSlash = 'always';

if (browser) {
	tellOfCrashes();
	// Only below its own path the site knows its pages.
	if (base && !`${location.pathname}/`.startsWith(`${base}/`)) {
		location.replace(base + location.pathname + location.search);
	}
}

const UNSET_INPUT = {
	label: '',
	value: '(SELECT NULL WHERE 0 /* An Input has not been set */)'
};

/** What readers choose; until one writes into a text input, it holds an empty text. */
function newInputs(emptyTexts) {
	const inputs = setTrackProxy(UNSET_INPUT);
	// Evidence leaves it unset, and every query that reads it waits for ever.
	for (const name of emptyTexts) {
		inputs[name] = {
			toString: () => '',
			sql: "''",
			search: (column) => `damerau_levenshtein(${column}, '')`
		};
	}
	return inputs;
}

/** @type {Map<string, Promise<void>>} */
const opened = new Map();
let last = Promise.resolve();

/** Make the tables of one workflow known to the browser's engine, once; '' stands for none. */
function openTables(workflow, manifest) {
	if (!opened.has(workflow)) {
		const files = (manifest.renderedFiles[workflow] ?? []).map((file) =>
			addBasePath(file.replace(/^static/, ''))
		);
		const open = async () => {
			await profile(initDB);
			await profile(setParquetURLs, workflow ? { [workflow]: files } : {}, true);
		};
		// One after another: the engine has one connection.
		last = last.then(open, open);
		opened.set(workflow, last);
	}
	return opened.get(workflow);
}

/** The workflows whose tables some SQL names, as `orders.items` or `"orders".items`. */
function namedWorkflows(sql, manifest) {
	const known = [...site.workflows.map(({ id }) => id), ...Object.keys(manifest.renderedFiles)];
	return [...new Set(known)].filter((workflow) =>
		new RegExp(`(?<![\\w.])"?${workflow}"?\\s*\\.`, 'i').test(sql)
	);
}

async function readJson(fetch, path, otherwise) {
	const answer = await fetch(addBasePath(path));
	return answer.ok ? answer.json() : otherwise;
}

/** @satisfies {import("./$types").LayoutLoad} */
export const load = async ({ fetch, route }) => {
	const isPage = Boolean(route.id);
	const [pagesManifest, evidencemeta, manifest] = await Promise.all([
		readJson(fetch, '/api/pagesManifest.json', { children: {} }),
		isPage
			? readJson(fetch, `/api${route.id.replace(/\/$/, '')}/evidencemeta.json`, { queries: [] })
			: { queries: [] },
		readManifest(fetch)
	]);
	const first = (route.id ?? '').split('/')[1] ?? '';
	const workflow = site.workflows.some(({ id }) => id === first) ? first : '';
	const named = namedWorkflows(
		evidencemeta.queries.map(({ inputQueryString }) => inputQueryString).join('\n'),
		manifest
	);
	const ready = (async () => {
		if (!browser) return;
		await openTables(workflow, manifest);
		await updateSearchPath([workflow || 'main']);
	})();
	// Whoever asks for data is told; nobody may be asking yet.
	ready.catch(() => {});

	const query = async (sql, { callback = (rows) => rows } = {}) => {
		await ready;
		// What is asked is known only now: a component may ask, or an input name the table.
		await Promise.all(namedWorkflows(sql, manifest).map((name) => openTables(name, manifest)));
		try {
			return callback(await runQuery(sql));
		} catch (error) {
			throw explained(error, manifest.workflows ?? {});
		}
	};

	let node = pagesManifest;
	for (const part of (route.id ?? '').split('/').slice(1)) {
		node = node?.children?.[part];
		if (node?.frontMatter?.title) node.title = node.frontMatter.title;
	}

	return {
		__db: {
			query,
			load: () => ready,
			updateParquetURLs: async () => {}
		},
		inputs: newInputs(evidencemeta.emptyTextInputs ?? []),
		data: {},
		customFormattingSettings: { version: '1.0', customFormats },
		isUserPage: isPage,
		evidencemeta,
		pagesManifest,
		workflow,
		shown: [...new Set([workflow, ...named])].filter(Boolean),
		published: manifest.workflows ?? {}
	};
};
