// In place of Evidence's own file of this name, of which it keeps all but one thing: a page finds
// the components of its own workflow only, so that two workflows may have one name for two things.
import adapter from '@sveltejs/adapter-static';
import evidencePreprocess from '@evidence-dev/preprocess';
import { addBasePathToHrefAndSrc, injectComponents } from '@evidence-dev/sdk/build/svelte';
import { getEvidenceConfig } from '@evidence-dev/sdk/config';
import fs from 'node:fs';
import path from 'node:path';
import preprocess from 'svelte-preprocess';
import autoImport from 'sveltekit-autoimport';

const pagesFolder = path.resolve('src/pages');
const componentsFolder = path.resolve('src/components');
const importers = new Map();

/** The importer of one workflow's components, made when its first page is met. */
function importerOf(workflow) {
	if (!importers.has(workflow)) {
		const directory = path.join(componentsFolder, workflow);
		importers.set(
			workflow,
			fs.existsSync(directory)
				? autoImport({
						include: ['**/*.(svelte|md)'],
						components: [{ directory, flat: true }],
						configFile: false
					})
				: null
		);
	}
	return importers.get(workflow);
}

const importOwnComponents = {
	markup: ({ content, filename }) => {
		if (!filename?.endsWith('.md')) return;
		const [workflow, ...rest] = path.relative(pagesFolder, filename).split(path.sep);
		if (rest.length === 0) return;
		return importerOf(workflow)?.markup({ content, filename });
	}
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

/** Evidence's rule: a component or variable that does not exist is an error, not a warning. */
function onwarn(warning) {
	if (warning.message.includes('defined') || warning.message.includes('Empty Block')) {
		throw new Error(warning.message, { cause: warning });
	}
}

export default {
	extensions: ['.svelte', '.md'],
	preprocess: [
		...evidencePreprocess(true),
		// What a workflow brings itself goes before what ships with the site, and that before what
		// Evidence has under the same name.
		importOwnComponents,
		importShippedComponents,
		injectComponents(),
		preprocess({ postcss: true }),
		addBasePathToHrefAndSrc
	],
	onwarn,
	kit: {
		adapter: adapter({ pages: './build', fallback: 'index.html', strict: false }),
		files: { routes: 'src/pages', lib: 'src/components' },
		paths: { base: getEvidenceConfig().deployment.basePath, relative: false },
		serviceWorker: { register: false }
	}
};
