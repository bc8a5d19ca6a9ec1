import fs from 'node:fs';
import config, { once } from './svelte.config.js';

/** A component's script and style as vite-plugin-svelte and SvelteKit have them in a build. */
async function compileAnew(content, filename) {
	const { compile, preprocess } = await import('svelte/compiler');
	const { code } = await preprocess(content, config.preprocess, { filename });
	const { css, js, warnings } = compile(code, {
		filename,
		css: 'external',
		dev: false,
		generate: 'dom',
		hydratable: true
	});
	warnings.forEach(config.onwarn);
	return { css: css.code, js: js.code };
}

/** The same, from before if the file is as it was then. */
export async function compileOnce(filename) {
	const content = await fs.promises.readFile(filename, 'utf-8');
	return once('compile', filename, content, () => compileAnew(content, filename));
}
