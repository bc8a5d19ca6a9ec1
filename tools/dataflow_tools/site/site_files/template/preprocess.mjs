// How pages and components become Svelte, in Evidence's order but for one thing: a page finds the
// components of its own workflow and of the project only, so that two workflows may have one name for
// two things.
import evidencePreprocess from '@evidence-dev/preprocess';
import { addBasePathToHrefAndSrc, injectComponents } from '@evidence-dev/sdk/build/svelte';
import fs from 'node:fs';
import path from 'node:path';
import preprocess from 'svelte-preprocess';
import autoImport from 'sveltekit-autoimport';

const pagesFolder = path.resolve('src/pages');
const componentsFolder = path.resolve('src/components');
const importers = new Map();

/** The importer of one folder's components, made when it is first needed. */
function importerOf(directory) {
	if (!importers.has(directory)) {
		importers.set(
			directory,
			fs.existsSync(directory)
				? autoImport({
						include: ['**/*.(svelte|md)'],
						components: [{ directory, flat: true }],
						configFile: false
					})
				: null
		);
	}
	return importers.get(directory);
}

function importFrom(directoryOf) {
	return {
		markup: ({ content, filename }) => {
			if (!filename?.endsWith('.md')) return;
			const directory = directoryOf(path.relative(pagesFolder, filename).split(path.sep));
			return directory && importerOf(directory)?.markup({ content, filename });
		}
	};
}

// A page at the top has no workflow; its folder is the first part of all others.
const importOwnComponents = importFrom(
	([first, ...rest]) => rest.length > 0 && path.join(componentsFolder, first)
);
const importProjectsComponents = importFrom(() => path.join(componentsFolder, 'project-wide'));
// For a first page of one's own.
const importList = importFrom((parts) => parts.length === 1 && path.resolve('src/dataflow'));

// A page without a title has the site's, which the layout sets, not Evidence's.
const keepTitle = {
	markup: ({ content, filename }) =>
		filename?.endsWith('+page.md')
			? { code: content.replace('<title>Evidence</title>', '') }
			: undefined
};

const shippedComponents = autoImport({
	include: ['**/*.(svelte|md)'],
	components: [{ directory: path.resolve('src/dataflow/components'), flat: true }],
	configFile: false
});

const importShippedComponents = {
	markup: ({ content, filename }) =>
		filename?.endsWith('.md') ? shippedComponents.markup({ content, filename }) : undefined
};

export default [
	...evidencePreprocess(true),
	keepTitle,
	// What people bring themselves goes before what ships with the site, and that before what
	// Evidence has under the same name.
	importOwnComponents,
	importProjectsComponents,
	importList,
	importShippedComponents,
	injectComponents(),
	preprocess({ postcss: true }),
	addBasePathToHrefAndSrc
];
