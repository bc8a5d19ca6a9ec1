// The blocks of code in a page as a person sees them, and those that Evidence will not take for the
// queries that they are meant to be.
const OPENING = /^( *)(`{3,}|~{3,})[ \t]*([^\s`]*)[ \t]*([^`]*?)[ \t]*$/;
// Not what other languages begin with, as `from x import y`.
const QUERY = /^\s*(?:--[^\n]*\n\s*)*(?:select\s+[^=\s]|with\s+\w+\s+as\s*\()/i;
const NAME = /^[A-Za-z_$][\w$]*$/;

/** Every block: the line of its beginning, what follows the marks there, and its lines. */
function blocksOf(text) {
	const blocks = [];
	let open;
	text.split(/\r?\n/).forEach((line, index, lines) => {
		if (open) {
			const end = /^ *(`{3,}|~{3,})[ \t]*$/.exec(line);
			if (end && end[1][0] === open.mark[0] && end[1].length >= open.mark.length) {
				open.closed = true;
				open = undefined;
			} else {
				open.body.push(line);
			}
			return;
		}
		const found = OPENING.exec(line);
		if (!found) return;
		const [, indent, mark, language, meta] = found;
		const named = language.toLowerCase() === 'sql' && meta !== '';
		open = { line: index + 1, indent: indent.length, mark, named, body: [], closed: false };
		open.name = named ? meta : language;
		open.above = lines[index - 1] ?? '';
		blocks.push(open);
	});
	return blocks;
}

/** Whether the page asks for the rows of a query of that name. */
function isUsed(name, text) {
	if (!NAME.test(name)) return false;
	const word = name.replaceAll('$', '\\$');
	return new RegExp(`=\\{${word}\\}|\\$\\{${word}\\}|\\{#each ${word}\\b|\\{${word}[[.]`).test(text);
}

/**
 * The blocks that are queries to whoever wrote them and not to Evidence, with the reason.
 * @param {string} text the page
 * @param {Set<string>} queries the names of the queries that Evidence found
 * @param {Set<string>} languages what Evidence takes for a language, in small letters
 */
export function lostQueries(text, queries, languages) {
	const lost = [];
	const say = (line, message) => lost.push({ line, message });
	const seen = new Map();
	for (const { line, indent, name, named, body, closed, above } of blocksOf(text)) {
		const inner = body.findIndex((inside) => /^ *(`{3,}|~{3,})[ \t]*[^\s`]/.test(inside));
		const isQuery = named || (name && QUERY.test(body.join('\n')));
		if (isQuery && inner >= 0) {
			say(line, `the block ${name} is not closed: it goes on over the one of line ${line + 1 + inner}`);
		} else if (isQuery && !closed) {
			say(line, `the block ${name} is not closed: it swallows the rest of the page`);
		} else if (languages.has(name.toLowerCase())) {
			// SQL to be read is no query: it is shown as it is.
			const shown = /sql$/i.test(name) || !isQuery;
			if (named || !shown || isUsed(name, text)) {
				say(
					line,
					`query ${name}: Evidence takes the name ${name} for a language and shows the block as ` +
						'code; give the query another name'
				);
			}
		} else if (named && !NAME.test(name)) {
			say(line, `query ${name}: the name of a query is one word of letters, digits and _`);
		} else if (isQuery && !queries.has(name)) {
			const why =
				indent > 3
					? 'it is indented; begin it at the left'
					: above.trim()
						? `the line above it (${above.trim().slice(0, 40)}) takes it in; put an empty line between`
						: 'what it stands in takes it in; put it outside of that';
			say(line, `query ${name}: Evidence does not see the block, since ${why}`);
		} else if (isQuery && seen.has(name)) {
			say(line, `query ${name}: line ${seen.get(name)} has a query of that name already`);
		}
		if (isQuery) seen.set(name, line);
	}
	return lost;
}

/** What a text reads of inputs, as `choice.value`, each once. */
export function readInputs(sql) {
	const found = sql.matchAll(/\binputs\.([A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)/g);
	return [...new Set([...found].map(([, place]) => place))];
}

/** The name of the input that `choice.value` is a part of. */
export function inputOf(place) {
	return place.split('.')[0];
}

/** The names that components on a page have: an input is one of them. */
export function namesOfComponents(text) {
	return new Set([...text.matchAll(/\bname\s*=\s*["'{`]*([A-Za-z_$][\w$]*)/g)].map(([, name]) => name));
}

/** The names of text inputs that begin empty. */
export function emptyTextInputs(text) {
	return [...text.matchAll(/<TextInput\b(?:[^>"'{]|"[^"]*"|'[^']*'|\{[^}]*\})*>/g)]
		.map(([tag]) => tag)
		.filter((tag) => !/\bdefaultValue\s*=/.test(tag))
		.flatMap((tag) => [...namesOfComponents(tag)]);
}
