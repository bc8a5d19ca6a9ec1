// Compiles every page and component alone and asks the browser's own engine about every query, so
// that all faults are found at once, each with the line of the file that a person wrote.
//   node check.mjs REQUEST ANSWER
// REQUEST: {"files": [{"source", "target", "workflow"}], "components": [target], "tables": {workflow: {table: path}},
//           "awaited": {workflow: [table]}}
// ANSWER:  {"faults": [{"source", "target", "line", "message", "stops_build"}]}
import evidence from '@evidence-dev/preprocess';
import {
	initDB,
	query,
	setParquetURLs,
	updateSearchPath
} from '@evidence-dev/universal-sql/client-duckdb';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { compile, parse, preprocess } from 'svelte/compiler';
import { compileOnce } from './compile.mjs';
import { inputOf, lostQueries, namesOfComponents, readInputs } from './src/dataflow/fences.mjs';
import config from './svelte.config.js';

// Not among what the package offers; what Evidence reads itself is the only true list.
const load = createRequire(import.meta.url);
const languages = load(
	path.resolve('../../node_modules/@evidence-dev/preprocess/src/utils/get-prism-langs.cjs')
);
const taken = new Set([...languages(), 'plaintext'].map((name) => name.toLowerCase()));

const [requestFile, answerFile] = process.argv.slice(2);
const request = JSON.parse(fs.readFileSync(requestFile, 'utf-8'));
const faults = [];

/** The source with everything that is not markup blanked, line for line. */
function onlyMarkup(source) {
	const blank = (text) => text.replace(/[^\n]/g, ' ');
	return source
		.replace(/^---\r?\n[\s\S]*?\r?\n---/, blank)
		.replace(/^(```+|~~~+)[\s\S]*?^\1[^\n]*$/gm, blank)
		.replace(/`[^`\n]*`/g, blank)
		.replace(/<!--[\s\S]*?-->/g, blank);
}

function lineOf(text, position) {
	return text.slice(0, position).split('\n').length;
}

function lineOfName(text, name) {
	const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
	const found = new RegExp(`(?<![\\w$])${escaped}(?![\\w$])`).exec(text);
	return found ? lineOf(text, found.index) : undefined;
}

/** The line of the source that a fault of the compiled page comes from. */
function locate(source, error, compiled) {
	const markup = onlyMarkup(source);
	const name = /^'(.+)' is not defined/.exec(error.message)?.[1];
	if (name) {
		// What is used only by its own query, as one with a name that Evidence reserves, is not in
		// the markup.
		const line = lineOfName(markup, name) ?? lineOfName(source, name);
		if (line) return line;
	}
	// The parser of the page's head counts the line of the dashes as well.
	if (error.linePos) return Math.max(1, error.linePos[0].line - 1);
	try {
		parse(markup);
	} catch (same) {
		if (same.code === error.code && same.start) return same.start.line;
	}
	const there = compiled?.split('\n')[(error.start?.line ?? 0) - 1]?.trim();
	const lines = source.split('\n');
	const here = there ? lines.findIndex((line) => line.trim() && there.includes(line.trim())) : -1;
	return here < 0 ? 1 : here + 1;
}

async function checkMarkup({ source, target }) {
	const filename = path.resolve(target);
	let compiled = null;
	try {
		await compileOnce(filename);
		return;
	} catch {
		// What is wrong with it is asked below.
	}
	try {
		const text = fs.readFileSync(target, 'utf-8');
		compiled = (await preprocess(text, config.preprocess, { filename })).code;
		const { warnings } = compile(compiled, { filename, generate: 'dom' });
		warnings.forEach(config.onwarn);
	} catch (error) {
		report({ source, target }, error, compiled);
	}
}

function report({ source, target }, error, compiled) {
	const text = fs.readFileSync(target, 'utf-8');
	const fault = error.cause?.message ? error.cause : error;
	// The parser of the page's head counts lines from the head's own beginning.
	const message = String(fault.message)
		.split('\n')[0]
		.replace(/ at line \d+, column \d+:?$/, '')
		.trim();
	faults.push({
		source,
		target,
		line: locate(text, fault, compiled),
		message,
		stops_build: true
	});
}

/** A query with something in place of what a reader has not chosen yet. */
function withInputsUnset(sql) {
	let quoted = false;
	return sql.replace(/'|\$\{[^}]*\}/g, (found) => {
		if (found === "'") {
			quoted = !quoted;
			return found;
		}
		return quoted ? '2000-01-01' : '(SELECT NULL WHERE 0)';
	});
}

function isFault(message, hasInputs) {
	if (hasInputs) return /^(Catalog Error|Binder Error: Referenced (column|table))/.test(message);
	return /^(Parser|Binder|Catalog) Error/.test(message);
}

/** The line of a query that the engine's message is about; it does not name one for every fault. */
function lineInQuery(sql, message) {
	const line = /^LINE (\d+):/m.exec(message)?.[1];
	if (line && !sql.includes('${')) return Number(line);
	const name = /(?:column "|name "?)([\w.]+)/.exec(message)?.[1];
	return name && lineOfName(sql, name);
}

/** Whether a table is one that a workflow which the query names publishes at its next run. */
function isAwaited(table, sql, workflow) {
	return Object.entries(request.awaited).some(
		([name, tables]) =>
			tables.includes(table) &&
			(name === workflow || new RegExp(`(?<![\\w.])"?${name}"?\\s*\\.`, 'i').test(sql))
	);
}

const shipped = fs.readdirSync('src/dataflow', { recursive: true });

function checkFences({ source, target }) {
	const text = fs.readFileSync(target, 'utf-8');
	let names = new Set();
	try {
		names = new Set(evidence.getQueryIds(text));
	} catch {
		// The page's head cannot be read, which is said elsewhere.
		return;
	}
	for (const { line, message } of lostQueries(text, names, taken)) {
		// It stops the page where something asks for the query, which is told as "not defined".
		const same = (fault) =>
			fault.source === source && /^'(.+)' is not defined/.test(fault.message) &&
			message.startsWith(`query ${/^'(.+)'/.exec(fault.message)[1]}:`);
		const told = faults.findIndex(same);
		const stops = told >= 0;
		if (stops) faults.splice(told, 1);
		faults.push({ source, target, line, message, stops_build: stops });
	}
}

async function checkQueries({ source, target, workflow }) {
	const text = fs.readFileSync(target, 'utf-8');
	const named = namesOfComponents(text);
	// A component of one's own, or one that ships with the site, may be an input.
	const hasOwn = [...request.components, ...shipped].some(
		(file) => file.endsWith('.svelte') && text.includes(`<${path.basename(file, '.svelte')}`)
	);
	for (const { id, compiledQueryString, inputQueryString, compileError } of evidence.extractQueries(
		text
	)) {
		const fence = new RegExp(`^(\`\`\`+)(?:sql[ \\t]+)?${id}[ \\t]*\\r?$`, 'm').exec(text);
		const start = fence ? lineOf(text, fence.index) : 1;
		const say = (line, message) =>
			faults.push({
				source,
				target,
				line,
				message: `query ${id}: ${message.replace(/\s+/g, ' ').trim()}`,
				stops_build: false
			});
		if (compileError) {
			say(start, String(compileError));
			continue;
		}
		const read = hasOwn ? [] : readInputs(inputQueryString).map(inputOf);
		const absent = [...new Set(read)].filter(
			(name) => !named.has(name) && !new RegExp(`inputs\\.${name}[\\w.]*\\s*=[^=]`).test(text)
		);
		for (const name of absent) {
			say(
				start + (lineOfName(inputQueryString, name) ?? 0),
				`it waits for ever, since no input on the page is called ${name}`
			);
		}
		// Before its first run a workflow's own pages fail by themselves.
		if (workflow && !request.tables[workflow]) continue;
		updateSearchPath([workflow || 'main']);
		const hasInputs = compiledQueryString.includes('${');
		try {
			query(`EXPLAIN ${withInputsUnset(compiledQueryString)}`);
		} catch (error) {
			const message = String(error.message ?? error);
			if (!isFault(message, hasInputs)) continue;
			const missing = /Table with name (\w+) does not exist/.exec(message)?.[1];
			if (missing && isAwaited(missing, compiledQueryString, workflow)) continue;
			say(start + (lineInQuery(inputQueryString, message) ?? 0), message.split(/\n\s*LINE/)[0]);
		}
	}
}

for (const file of request.files) await checkMarkup(file);
for (const file of request.files) if (file.target.endsWith('.md')) checkFences(file);

await initDB();
for (const [workflow, tables] of Object.entries(request.tables)) {
	await setParquetURLs({ [workflow]: Object.values(tables) }, true);
}
for (const file of request.files.filter(({ target }) => target.endsWith('.md'))) {
	try {
		await checkQueries(file);
	} catch (error) {
		if (!faults.some(({ source }) => source === file.source)) report(file, error, null);
	}
}
fs.writeFileSync(answerFile, JSON.stringify({ faults }));
process.exit(0);
