// Puts the libraries that every page runs on into one file, once for all sites of the same packages
// and settings, so that the build of a site has only to compile what people wrote.
//   node shell.mjs FOLDER
// FOLDER gets the files for browsers and shell.json:
//   {"main": file, "css": file, "specifiers": {import: module},
//    "modules": {module: {name: name in main}}, "inner": [module]}
// A module is named by its path below node_modules. Those in `inner` are in the shell, but main has
// no names of theirs, and there must not be two of them in a browser: they hold state.
import { configVirtual } from '@evidence-dev/sdk/build/vite';
import { evidenceThemes } from '@evidence-dev/tailwind/vite-plugin';
import fs from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import path from 'node:path';
import { compile, preprocess } from 'svelte/compiler';
import config from './svelte.config.js';

const [target] = process.argv.slice(2);
const require = createRequire(import.meta.url);
// Vite's own, which the site's build uses as well.
const esbuild = createRequire(require.resolve('vite'))('esbuild');
const packages = fs.realpathSync(path.resolve('../../node_modules'));
const kit = path.join(packages, '@sveltejs/kit/src');
const base = config.kit.paths.base;

// What pages, components and SvelteKit's own generated files begin from.
const FIRST = [
	...['svelte', 'svelte/internal', 'svelte/internal/disclose-version', 'svelte/store'],
	...['svelte/transition', 'svelte/animate', 'svelte/easing', 'svelte/motion'],
	...['$app/environment', '$app/forms', '$app/navigation', '$app/paths', '$app/stores'],
	...['$evidence/config', '$evidence/themes', '__sveltekit/environment', '__sveltekit/paths'],
	...['@sveltejs/kit', path.join(kit, 'runtime/client/client.js')],
	'@evidence-dev/core-components',
	'@evidence-dev/universal-sql/client-duckdb',
	...['@evidence-dev/sdk/usql', '@evidence-dev/sdk/utils', '@evidence-dev/sdk/utils/svelte'],
	...['buildQuery', 'formatting', 'globalContexts', 'profile', 'stores'].map(
		(name) => `@evidence-dev/component-utilities/${name}`
	),
	'echarts'
];
// Scripts of these may be asked for one by one.
const BY_NAME =
	/^(svelte|@sveltejs\/kit|@evidence-dev\/(sdk|component-utilities|universal-sql))\/.*\.js$/;
// Packages of which there must be one in a browser.
const ONE_OF = /^(svelte|@sveltejs\/kit|@evidence-dev\/[^/]+|echarts|zrender)\//;

const VIRTUAL = {
	'__sveltekit/paths': async () =>
		`export const base = ${JSON.stringify(base)}; export const assets = base;`,
	// The site's own build sets the version: by it an open page learns of a newer build.
	'__sveltekit/environment': async () =>
		`export let version = ''; export const building = false, prerendering = false;
		export function set_version(value) { version = value; }
		export function set_building() {} export function set_prerendering() {}`,
	'$evidence/config': () => configVirtual().load('\0$evidence/config'),
	'$evidence/themes': () => evidenceThemes().load('\0$evidence/themes')
};

function nameOf(file) {
	return path.relative(packages, file).split(path.sep).join('/');
}

const compiled = new Map();

async function compileComponent(filename) {
	const source = await fs.promises.readFile(filename, 'utf-8');
	const { code } = await preprocess(source, config.preprocess, { filename });
	// As vite-plugin-svelte and SvelteKit have it for a build.
	const { js, css } = compile(code, {
		filename,
		css: 'external',
		dev: false,
		generate: 'dom',
		hydratable: true
	});
	const style = css.code ? `\nimport ${JSON.stringify(`${filename}?style`)};` : '';
	return { code: js.code + style, css: css.code };
}

function compileOnce(filename) {
	if (!compiled.has(filename)) compiled.set(filename, compileComponent(filename));
	return compiled.get(filename);
}

/** Reads what only vite and SvelteKit know to read. */
const reader = {
	name: 'shell',
	setup({ onLoad, onResolve, resolve }) {
		onResolve({ filter: /^(__sveltekit\/|\$evidence\/)/ }, ({ path: id }) =>
			VIRTUAL[id] ? { path: id, namespace: 'virtual' } : undefined
		);
		onLoad({ filter: /.*/, namespace: 'virtual' }, async ({ path: id }) => ({
			contents: await VIRTUAL[id](),
			resolveDir: process.cwd()
		}));
		onResolve({ filter: /^\$app\// }, ({ path: id, ...rest }) =>
			resolve(path.join(kit, 'runtime/app', id.slice('$app/'.length)), {
				kind: rest.kind,
				resolveDir: process.cwd()
			}).then((found) =>
				found.errors.length
					? resolve(`${path.join(kit, 'runtime/app', id.slice(5))}.js`, {
							kind: rest.kind,
							resolveDir: process.cwd()
						})
					: found
			)
		);
		// A worker is a file of its own, and the import of it is what starts it.
		onResolve({ filter: /\?(url|worker)$/ }, async ({ path: id, kind, resolveDir }) => {
			const [file, how] = id.split('?');
			const found = await resolve(file, { kind, resolveDir });
			return { ...found, namespace: how };
		});
		onLoad({ filter: /.*/, namespace: 'url' }, async ({ path: file }) => ({
			contents: await fs.promises.readFile(file),
			loader: 'file'
		}));
		onLoad({ filter: /.*/, namespace: 'worker' }, ({ path: file }) => ({
			contents: `import url from ${JSON.stringify(`${file}?url`)};
				export default function (options) { return new Worker(url, { name: options?.name }); }`,
			resolveDir: path.dirname(file)
		}));
		// A component that nobody names is not wanted, nor is what it imports.
		onResolve({ filter: /\.svelte$/ }, async ({ path: id, kind, resolveDir, pluginData }) => {
			if (pluginData === 'component') return undefined;
			const found = await resolve(id, { kind, resolveDir, pluginData: 'component' });
			return { ...found, sideEffects: false };
		});
		onResolve({ filter: /\.svelte\?style$/ }, ({ path: id }) => ({
			path: id.slice(0, -'?style'.length),
			namespace: 'style'
		}));
		onLoad({ filter: /.*/, namespace: 'style' }, async ({ path: file }) => ({
			contents: (await compileOnce(file)).css,
			loader: 'css',
			resolveDir: path.dirname(file)
		}));
		onLoad({ filter: /\.svelte$/ }, async ({ path: file }) => ({
			contents: (await compileOnce(file)).code,
			loader: 'js',
			resolveDir: path.dirname(file)
		}));
		const builtin = new RegExp(`^(node:.*|(${builtinModules.join('|')})(/.*)?)$`);
		onResolve({ filter: builtin }, async ({ path: id, kind, resolveDir, pluginData }) => {
			if (pluginData === 'package') return undefined;
			// Some packages are called as Node's own modules are.
			const found = id.startsWith('node:')
				? { errors: [id] }
				: await resolve(`${id}/`, { kind, resolveDir, pluginData: 'package' });
			return found.errors.length ? { path: id, namespace: 'none' } : found;
		});
		onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'module.exports = {};' }));
	}
};

const environment = {
	BASE_URL: `${base}/`,
	MODE: 'production',
	DEV: false,
	PROD: true,
	SSR: false,
	VITE_EVIDENCE_SPA: 'true'
};
const options = {
	absWorkingDir: process.cwd(),
	assetNames: 'assets/[name].[hash]',
	bundle: true,
	chunkNames: '[name].[hash]',
	conditions: ['svelte', 'browser', 'production', 'module', 'import'],
	define: {
		__SVELTEKIT_ADAPTER_NAME__: '""',
		__SVELTEKIT_APP_VERSION_FILE__: '"_app/version.json"',
		__SVELTEKIT_APP_VERSION_POLL_INTERVAL__: '0',
		__SVELTEKIT_DEV__: 'false',
		__SVELTEKIT_EMBEDDED__: 'false',
		'import.meta.env': JSON.stringify(environment),
		'import.meta.hot': 'undefined',
		'process.env': '{}',
		'process.env.NODE_ENV': '"production"'
	},
	entryNames: '[name].[hash]',
	format: 'esm',
	legalComments: 'none',
	loader: Object.fromEntries(
		['.gif', '.jpg', '.png', '.svg', '.ttf', '.woff', '.woff2'].map((kind) => [kind, 'file'])
	),
	logLevel: 'error',
	mainFields: ['svelte', 'browser', 'module', 'main'],
	metafile: true,
	minify: true,
	nodePaths: [packages],
	outdir: path.resolve(target),
	platform: 'browser',
	publicPath: `${base}/_app/immutable/shell/`,
	plugins: [reader],
	splitting: true,
	// Vite's own for browsers.
	target: ['es2020', 'edge88', 'firefox78', 'chrome87', 'safari14']
};

const OTHER = /^(virtual|url|worker|style|none):/;

/** Each module of the shell by its name: its file, or the name of one that is made. */
function modulesOf(inputs) {
	const found = new Map();
	for (const input of Object.keys(inputs)) {
		if (input.startsWith('virtual:')) found.set(input.slice('virtual:'.length), null);
		else if (!OTHER.test(input) && !input.startsWith('<')) {
			const file = path.resolve(input);
			found.set(nameOf(file), file);
		}
	}
	return found;
}

async function namesOf(imports) {
	const { metafile } = await esbuild.build({
		...options,
		entryPoints: imports.map((from, number) => ({ in: from, out: `m${number}` })),
		entryNames: '[name]',
		minify: false,
		write: false
	});
	const names = new Map();
	for (const [file, output] of Object.entries(metafile.outputs)) {
		const number = /(?:^|\/)m(\d+)\.js$/.exec(file)?.[1];
		if (output.entryPoint && number) names.set(imports[number], output);
	}
	return { names, inputs: metafile.inputs };
}

function keyOf(entryPoint) {
	if (entryPoint.startsWith('virtual:')) return entryPoint.slice('virtual:'.length);
	return nameOf(path.resolve(entryPoint));
}

/** What scripts export by themselves, without looking at what they import. */
async function ownNamesOf(files) {
	const alone = {
		name: 'alone',
		setup({ onResolve }) {
			onResolve({ filter: /.*/ }, ({ kind }) =>
				kind === 'entry-point' ? undefined : { path: 'elsewhere', external: true }
			);
		}
	};
	const { metafile } = await esbuild.build({
		...options,
		entryPoints: files.map((file, number) => ({ in: file, out: `m${number}` })),
		entryNames: '[name]',
		minify: false,
		plugins: [alone],
		splitting: false,
		write: false
	});
	return Object.values(metafile.outputs).map(({ entryPoint, exports }) => [
		path.resolve(entryPoint),
		{ entryPoint, exports }
	]);
}

const first = await namesOf(FIRST);
const reached = modulesOf(first.inputs);
const known = new Set([...first.names.values()].map(({ entryPoint }) => keyOf(entryPoint)));
const byName = [...reached].filter(
	([name, file]) =>
		file && BY_NAME.test(name) && !known.has(name) && !/^export \*/m.test(fs.readFileSync(file))
);
const second = await ownNamesOf(byName.map(([, file]) => file));

// For Evidence's own page of settings, with all icons there are.
const unused = await ownNamesOf([
	path.join(packages, '@evidence-dev/core-components/dist/organisms/source-config/index.js')
]);
const leftOut = new Set(unused.flatMap(([, { exports }]) => exports));

const modules = {};
const specifiers = {};
const lines = [];
for (const [from, { entryPoint, exports }] of [...first.names, ...second]) {
	const key = keyOf(entryPoint);
	if (!path.isAbsolute(from)) specifiers[from] = key;
	if (modules[key]) continue;
	const mark = `m${Object.keys(modules).length}_`;
	const wanted = exports.filter((name) => !leftOut.has(name));
	modules[key] = Object.fromEntries(wanted.map((name) => [name, mark + name]));
	const named = Object.entries(modules[key]).map(([name, alias]) => `${name} as ${alias}`);
	const quoted = JSON.stringify(from);
	lines.push(named.length ? `export { ${named.join(', ')} } from ${quoted};` : `import ${quoted};`);
}

const { metafile } = await esbuild.build({
	...options,
	stdin: { contents: lines.join('\n'), resolveDir: process.cwd(), sourcefile: 'shell.js' },
	entryNames: 'shell.[hash]'
});
const outputs = Object.entries(metafile.outputs);
const [file] = outputs.find(([name]) => /shell\.\w+\.js$/.test(name));
const below = (name) => path.relative(path.resolve(target), path.resolve(name)).split(path.sep).join('/');
const inner = [...reached.keys()].filter((name) => ONE_OF.test(name) && !modules[name]);
const facts = { main: below(file), css: below(outputs.find(([name]) => /shell\.\w+\.css$/.test(name))[0]), modules, specifiers, inner };
fs.writeFileSync(path.join(target, 'shell.json'), JSON.stringify(facts));
