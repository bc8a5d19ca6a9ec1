// In place of Evidence's own file of this name. The pages are not rendered at build time, so they
// show what is published, not what was when the site was built, and a page opens the tables of its
// own workflow only, so that a hundred workflows cost no more than one.
import { browser } from '$app/environment';
import {
	initDB,
	query as runQuery,
	setParquetURLs,
	updateSearchPath
} from '@evidence-dev/universal-sql/client-duckdb';
import { profile } from '@evidence-dev/component-utilities/profile';
import { setTrackProxy } from '@evidence-dev/sdk/usql';
import { addBasePath } from '@evidence-dev/sdk/utils/svelte';
import { tellOfCrashes } from '../dataflow/crash.js';
import { customFormats } from '../dataflow/formats.js';
import { readManifest } from '../dataflow/manifest.js';

export const ssr = false;
export const prerender = false;
export const trailingSlash = 'always';

if (browser) tellOfCrashes();

const UNSET_INPUT = {
	label: '',
	value: '(SELECT NULL WHERE 0 /* An Input has not been set */)'
};

/** @type {Map<string, Promise<void>>} */
const opened = new Map();

/** Make the tables of one workflow known to the browser's engine, once. */
function openTables(workflow, manifest) {
	if (!opened.has(workflow)) {
		const files = (manifest.renderedFiles[workflow] ?? []).map((file) =>
			addBasePath(file.replace(/^static/, ''))
		);
		opened.set(
			workflow,
			(async () => {
				await profile(initDB);
				await profile(setParquetURLs, { [workflow]: files }, true);
			})()
		);
	}
	return opened.get(workflow);
}

async function readJson(fetch, path, otherwise) {
	const answer = await fetch(addBasePath(path));
	return answer.ok ? answer.json() : otherwise;
}

/** @satisfies {import("./$types").LayoutLoad} */
export const load = async ({ fetch, route }) => {
	const workflow = (route.id ?? '').split('/')[1] ?? '';
	const isPage = Boolean(route.id);
	const [pagesManifest, evidencemeta, manifest] = await Promise.all([
		readJson(fetch, '/api/pagesManifest.json', { children: {} }),
		isPage && workflow
			? readJson(fetch, `/api${route.id}/evidencemeta.json`, { queries: [] })
			: { queries: [] },
		readManifest(fetch)
	]);
	const ready = (async () => {
		if (!browser || !workflow) return;
		await openTables(workflow, manifest);
		await updateSearchPath([workflow]);
	})();
	// Whoever asks for data is told; nobody may be asking yet.
	ready.catch(() => {});

	const query = async (sql, { callback = (rows) => rows } = {}) => {
		await ready;
		return callback(await runQuery(sql));
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
		inputs: setTrackProxy(UNSET_INPUT),
		data: {},
		customFormattingSettings: { version: '1.0', customFormats },
		isUserPage: isPage,
		evidencemeta,
		pagesManifest,
		workflow,
		published: manifest.workflows ?? {}
	};
};
