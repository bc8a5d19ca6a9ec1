// One program for every address of the site: the list of workflows at /, a workflow's page below.
import { draw } from './charts.js';
import { Engine } from './engine.js';

const page = document.getElementById('page');
const place = decodeURIComponent(location.pathname.split('/')[1] ?? '');
const number = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });

const element = (name, text = '', attributes = {}) => {
	const made = Object.assign(document.createElement(name), { textContent: text });
	for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
	return made;
};
const shown = (value) => (value === null || value === undefined ? '–' : number.format(Number(value)));
const moment = (text) => (text ? `${text.slice(0, 10)} ${text.slice(11, 16)} UTC` : 'not yet');

async function read(url) {
	const answer = await fetch(url, { cache: 'no-cache' });
	if (!answer.ok) throw new Error(`${url} cannot be read: ${answer.status}.`);
	return answer.json();
}

function showList(site, manifest) {
	document.title = site.title;
	const head = element('tr');
	for (const title of ['Workflow', 'Description', 'Rows', 'Published', 'Last run']) {
		head.append(element('th', title, { scope: 'col' }));
	}
	const body = element('tbody');
	for (const workflow of site.workflows) {
		const notes = manifest.workflows?.[workflow.id] ?? {};
		const row = element('tr', '', { 'data-workflow': workflow.id });
		const name = element('td');
		name.append(element('a', workflow.title, { href: `/${workflow.id}/` }));
		const run = notes.run?.status ?? '–';
		row.append(
			name,
			element('td', workflow.description),
			element('td', shown(notes.rows?.[workflow.table]), { class: 'number' }),
			element('td', moment(notes.published_at)),
			element('td', run, { class: run })
		);
		body.append(row);
	}
	const table = element('table', '', { class: 'list' });
	const top = element('thead');
	top.append(head);
	table.append(top, body);
	page.replaceChildren(element('h1', site.title), table);
	if (!site.workflows.length) page.append(element('p', 'This project has no workflow with dashboards.'));
}

async function showWorkflow(workflow, manifest) {
	document.title = workflow.title;
	const notes = manifest.workflows?.[workflow.id] ?? {};
	const chosen = new URLSearchParams(location.search).get('table');
	const table = workflow.tables.find(({ name }) => name === chosen) ?? workflow.tables[0];
	const back = element('nav');
	back.append(element('a', 'All workflows', { href: '/' }));
	const heads = [back, element('h1', workflow.title), element('p', workflow.description)];
	const files = manifest.renderedFiles?.[workflow.id] ?? [];
	if (!table || !files.length) {
		const why = files.length
			? 'The site was built before this workflow had data. Build it again: dataflow evidence build'
			: 'Nothing is published yet: the workflow has not run.';
		page.replaceChildren(...heads, element('p', why, { class: 'fault' }));
		return;
	}
	if (workflow.tables.length > 1) heads.push(tabs(workflow, table));
	const facts = `${shown(notes.rows?.[table.name])} rows · published ${moment(notes.published_at)}`;
	heads.push(element('p', facts, { id: 'facts' }));
	const cards = element('dl', '', { id: 'cards' });
	const charts = element('div', '', { id: 'charts' });
	page.replaceChildren(...heads, cards, charts);
	const urlOf = (name) => {
		const file = files.find((path) => path.endsWith(`/${name}.parquet`));
		if (!file) throw new Error(`The table ${name} is not published any more.`);
		return `/${file.replace(/^static\//, '')}`;
	};
	const url = urlOf(table.name);
	const engine = await Engine.start();
	const published = (notes.published_at ?? '').slice(0, 19).replace('T', ' ');
	await engine.load(url, table.load.replaceAll('{published_at}', published));
	await orderAxes(engine, table);
	let drawn = false;
	await new Promise((done) => {
		draw(charts, table.spec, engine, async (conditions) => {
			if (!drawn) addHeadings(charts.firstElementChild, table.sections);
			drawn = true;
			await showNumbers(engine, table, conditions.filter || 'true', cards, charts);
			done();
		});
	});
	const query = 'SELECT table_name, column_name, description FROM published';
	const described = await engine.read(urlOf('descriptions'), query);
	page.append(...meanings(described.filter(({ table_name }) => table_name === table.name)));
	await engine.idle();
}

/** Values that have an order have it whatever is picked, and those that came since the build too. */
async function orderAxes(engine, { sections, spec }) {
	for (const [index, { order }] of sections.entries()) {
		if (order) spec.vconcat[index].yDomain = (await engine.rows(order)).map(({ value }) => value);
	}
}

function meanings(described) {
	if (!described.length) return [];
	const list = element('dl', '', { id: 'meanings' });
	for (const { column_name, description } of described) {
		list.append(element('dt', column_name), element('dd', description));
	}
	return [element('h2', 'What the columns mean'), list];
}

function tabs(workflow, table) {
	const list = element('nav', '', { 'aria-label': 'Tables' });
	for (const { name } of workflow.tables) {
		const link = element('a', name, { href: `/${workflow.id}/?table=${encodeURIComponent(name)}` });
		if (name === table.name) link.setAttribute('aria-current', 'page');
		list.append(link, ' ');
	}
	return list;
}

/** Put the headings before the parts of a drawn specification, which has none. */
function addHeadings(parts, sections) {
	[...parts.children].forEach((part, index) => {
		const { heading, groups, numbers, rows, wide } = sections[index];
		const section = element('section', '', { id: `section-${index}`, class: wide ? 'wide' : '' });
		if (heading) section.append(element('h2', heading));
		section.setAttribute('aria-label', heading || 'What is shown');
		if (groups) section.append(element('p', '', { class: 'note' }));
		// Mosaic sets a menu's name beside it, where a screen reader does not look.
		for (const input of part.querySelectorAll('.input')) {
			input.querySelector('select')?.setAttribute('aria-label', input.querySelector('label').textContent);
		}
		part.replaceWith(section);
		if (numbers) section.append(element('dl', '', { class: 'numbers' }));
		section.append(part);
		if (rows) section.append(element('table', '', { class: 'list' }));
		// What scrolls is reached by keyboard.
		for (const region of section.querySelectorAll('[id^="table-"]')) region.tabIndex = 0;
	});
}

// What was selected last: answers to what was selected before come too late.
let latest = null;

/** Whatever is selected, show its totals, and of how many groups the largest are shown. */
async function showNumbers(engine, table, condition, cards, charts) {
	latest = condition;
	const asked = [
		...table.cards.map(({ sql }, index) => `${sql} AS card_${index}`),
		...table.sections.map(({ groups }, index) => `${groups ? `count(DISTINCT ${groups})` : 0} AS groups_${index}`)
	];
	const [found] = await engine.rows(`SELECT ${asked.join(', ')} FROM ${table.relation} WHERE ${condition}`);
	if (latest !== condition) return;
	cards.replaceChildren(
		...table.cards.map(({ label }, index) => {
			const card = element('div');
			card.append(element('dt', label), element('dd', shown(found[`card_${index}`])));
			return card;
		})
	);
	table.sections.forEach(({ groups, largest }, index) => {
		const count = Number(found[`groups_${index}`]);
		const note = charts.querySelector(`#section-${index} .note`);
		if (groups) note.textContent = `${Math.min(largest, count)} of ${number.format(count)}`;
	});
	for (const [index, section] of table.sections.entries()) {
		const place = charts.querySelector(`#section-${index}`);
		const ask = (sql) => engine.rows(sql.replaceAll('{condition}', () => condition));
		const numbers = section.numbers ? await ask(section.numbers) : [];
		const rows = section.rows ? await ask(section.rows) : [];
		if (latest !== condition) return;
		place.querySelector('.numbers')?.replaceChildren(...facts(numbers[0]));
		place.querySelector('.list')?.replaceChildren(...lines(rows));
	}
}

function facts(row) {
	return Object.entries(row).map(([label, value]) => {
		const fact = element('div');
		fact.append(element('dt', label), element('dd', shown(value)));
		return fact;
	});
}

function lines(rows) {
	const head = element('tr');
	const kinds = Object.entries(rows[0] ?? {}).map(([title, value]) => [title, typeof value === 'string' ? '' : 'number']);
	for (const [title, kind] of kinds) head.append(element('th', title, { scope: 'col', class: kind }));
	return [
		head,
		...rows.map((row) => {
			const line = element('tr');
			for (const [title, kind] of kinds) {
				line.append(element('td', kind ? shown(row[title]) : row[title], { class: kind }));
			}
			return line;
		})
	];
}

async function show() {
	const [site, manifest] = await Promise.all([
		read('/workflows.json'),
		read('/data/manifest.json').catch(() => ({}))
	]);
	if (!place || place === 'index.html') return showList(site, manifest);
	const workflow = site.workflows.find(({ id }) => id === place);
	if (workflow) {
		const tables = await read(`/${workflow.id}/tables.json`);
		return showWorkflow({ ...workflow, tables }, manifest);
	}
	page.replaceChildren(element('h1', 'There is no such page'), element('a', 'All workflows', { href: '/' }));
}

show().then(
	() => (page.dataset.state = 'ready'),
	(error) => {
		console.error(error);
		const help = 'If the columns of the table changed, build the pages again: dataflow evidence build';
		page.append(element('p', `${error.message ?? error} ${help}`, { class: 'fault' }));
		page.dataset.state = 'failed';
	}
);
