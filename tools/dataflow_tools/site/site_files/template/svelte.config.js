// In place of Evidence's own file of this name. What turns pages into Svelte is loaded when there is
// something to turn: a build reads this file in four processes, three of which have nothing.
import adapter from '@sveltejs/adapter-static';
import { getEvidenceConfig } from '@evidence-dev/sdk/config';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

// Where what was made of pages before is kept: a name of all that it depends on besides the page.
const kept = process.env.DATAFLOW_PREPROCESSED;
async function preprocessAnew(content, filename) {
	const { preprocess } = await import('svelte/compiler');
	const { default: steps } = await import('./preprocess.mjs');
	const { code, map, dependencies } = await preprocess(content, steps, { filename });
	return { code, map: map?.toString(), dependencies };
}

/** What was made of a file's text, from before if that was kept. */
export async function once(how, filename, content, make) {
	if (!kept) return make();
	const place = path.relative(process.cwd(), filename).split(path.sep).join('/');
	const name = createHash('sha256').update(`${how}\0${place}\0${content}`).digest('hex');
	const file = path.join(kept, `${name}.json`);
	try {
		return JSON.parse(await fs.promises.readFile(file, 'utf-8'));
	} catch {
		const made = await make();
		await fs.promises.mkdir(kept, { recursive: true });
		const draft = `${file}.${process.pid}`;
		await fs.promises.writeFile(draft, JSON.stringify(made));
		await fs.promises.rename(draft, file);
		return made;
	}
}

const whole = {
	name: 'dataflow',
	markup: ({ content, filename }) =>
		once('preprocess', filename, content, () => preprocessAnew(content, filename))
};

/** Evidence's rule: a component or variable that does not exist is an error, not a warning. */
function onwarn(warning) {
	if (warning.message.includes('defined') || warning.message.includes('Empty Block')) {
		throw new Error(warning.message, { cause: warning });
	}
}

export default {
	extensions: ['.svelte', '.md'],
	preprocess: [whole],
	onwarn,
	// With a shell, shell_plugin.mjs compiles.
	vitePlugin: process.env.DATAFLOW_SHELL ? { exclude: ['**'] } : {},
	kit: {
		adapter: adapter({ pages: './build', fallback: 'index.html', strict: false }),
		files: { routes: 'src/pages', lib: 'src/components' },
		paths: { base: getEvidenceConfig().deployment.basePath, relative: false },
		serviceWorker: { register: false },
		version: { name: process.env.DATAFLOW_SITE_VERSION || String(Date.now()) }
	}
};
