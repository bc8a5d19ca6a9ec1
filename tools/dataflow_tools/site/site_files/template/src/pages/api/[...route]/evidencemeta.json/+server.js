// In place of Evidence's own file of this name, which loses pages with "index" in their names.
import preprocessor from '@evidence-dev/preprocess';
import { json } from '@sveltejs/kit';
import fs from 'node:fs/promises';
import path from 'node:path';
import { emptyTextInputs } from '../../../../dataflow/fences.mjs';

export const prerender = true;

const pages = path.resolve('src/pages');

/** One for each page. */
export async function entries() {
	const files = await fs.readdir(pages, { recursive: true });
	return files
		.map((file) => file.split(path.sep).join('/'))
		.filter((file) => file.split('/').at(-1) === '+page.md')
		.map((file) => ({ route: file.replace(/\/?\+page\.md$/, '') }));
}

export async function GET({ params: { route } }) {
	const text = await fs.readFile(path.join(pages, route, '+page.md'), 'utf-8');
	return json({
		queries: preprocessor.extractQueries(text),
		emptyTextInputs: emptyTextInputs(text),
		// The components that ship with the site ask for the dataset that they are of.
		asksData: /<[A-Z]\w*\s[^>]*\bof=\{/.test(text)
	});
}
