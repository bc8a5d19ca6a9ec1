// Has a site's build take the libraries from the shell (see shell.mjs) and compile the rest.
import fs from 'node:fs';
import path from 'node:path';
import { compileOnce } from './compile.mjs';

const packages = fs.realpathSync(path.resolve('../../node_modules'));
const MARK = '\0shell:';
const STYLE = '?dataflow&lang.css';
// Pages are drawn by browsers only; the server is asked for /api.
const NOT_RENDERED = "export default { render: () => ({ html: '', head: '', css: { code: '' } }) };";
// What Evidence answers while developing, or of pages that are rendered where they are built.
const UNANSWERED = /\/api\/(settings\.json|\[route_hash\]|prerendered_queries)\//;
const linked = path.resolve('../../node_modules');
// Packages of which a browser has one; see shell.mjs.
const ONE_OF = /^(svelte|@sveltejs\/kit|@evidence-dev\/[^/]+|echarts|zrender)(\/|$)/;

/** A file below node_modules by its path there; of another file nothing. */
function keyOf(file) {
	const top = [packages, linked].find((folder) => file.startsWith(folder + path.sep));
	return top ? path.relative(top, file).split(path.sep).join('/') : '';
}

/**
 * @param {string} folder where the shell is
 * @param {{ base: string, version: string }} site the path that it stands under, and its version
 */
export function shellPlugin(folder, { base, version }) {
	const shell = JSON.parse(fs.readFileSync(path.join(folder, 'shell.json'), 'utf-8'));
	const main = `${base}/_app/immutable/shell/${shell.main}`;
	const inner = new Set(shell.inner);
	const pages = path.resolve('src/pages');
	const has = (key) => Boolean(shell.modules[key]) || inner.has(key);

	/** The module of the shell that an import asks for, if it does. */
	async function find(context, id, importer, options) {
		if (ONE_OF.test(id)) {
			// Rarely: vite's own resolving reads each file that it finds.
			const found = await context.resolve(id, importer, { ...options, skipSelf: true });
			return found && !found.external ? keyOf(found.id) : '';
		}
		if (!id.startsWith('.') && !path.isAbsolute(id)) return '';
		const key = keyOf(path.resolve(path.dirname(importer), id));
		return key ? [key, `${key}.js`, `${key}/index.js`].find(has) : '';
	}

	return {
		name: 'dataflow:shell',
		enforce: 'pre',
		config: ({ build }) =>
			// What runs in Node once need not be small.
			build?.ssr ? { build: { minify: false, rollupOptions: { treeshake: false } } } : {},
		resolveId: {
			order: 'pre',
			async handler(id, importer, options) {
				if (id === main) return { id, external: 'absolute', moduleSideEffects: false };
				if (id.endsWith(STYLE)) return id;
				// What is built first runs in Node, and is no part of the site.
				if (options.ssr || !importer || /[?\0]/.test(id)) return null;
				const known = shell.specifiers[id] ?? (await find(this, id, importer, options));
				if (known && shell.modules[known]) return { id: MARK + known, moduleSideEffects: false };
				if (inner.has(known)) this.error(`${MARK.slice(1)} ${known} is not in it`);
				return null;
			}
		},
		load: {
			order: 'pre',
			async handler(id, options) {
				if (id.startsWith(MARK)) {
					const names = Object.entries(shell.modules[id.slice(MARK.length)]);
					const listed = names.map(([name, alias]) => `${alias} as ${name}`);
					return `export { ${listed.join(', ')} } from ${JSON.stringify(main)};`;
				}
				if (id.endsWith(STYLE)) return (await compileOnce(id.slice(0, -STYLE.length))).css;
				if (/\.(md|svelte)$/.test(id)) {
					if (options?.ssr) return NOT_RENDERED;
					const { css, js } = await compileOnce(id);
					return css ? `${js}\nimport ${JSON.stringify(id + STYLE)};` : js;
				}
				if (!options?.ssr) return null;
				if (UNANSWERED.test(id)) return 'export const prerender = false;';
				if (id !== path.join(pages, '+layout.js')) return null;
				const settings = /^export const (ssr|csr|prerender|trailingSlash) = .*;$/gm;
				return fs.readFileSync(id, 'utf-8').match(settings).join('\n');
			}
		},
		transform: {
			order: 'post',
			handler(code, id, options) {
				if (options?.ssr) return null;
				if (id.endsWith('/kit/src/runtime/client/entry.js')) {
					const environment = JSON.stringify('__sveltekit/environment');
					const told = `set_version(${JSON.stringify(version)});`;
					return { code: `${code}\nimport { set_version } from ${environment};\n${told}`, map: null };
				}
				if (id === path.join(pages, '+layout.svelte')) {
					const css = JSON.stringify(path.join(folder, shell.css));
					return { code: `${code}\nimport ${css};`, map: null };
				}
				return null;
			}
		}
	};
}
