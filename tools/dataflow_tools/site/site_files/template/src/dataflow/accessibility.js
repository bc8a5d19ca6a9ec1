// What Evidence's components lack for people with a keyboard or a screen reader, put on them as they
// appear: tables that are wider than the page can be scrolled, and every control has a name.

/** The heading that an element stands under, so that a list of regions tells them apart. */
function headingOf(element) {
	const before = [...document.querySelectorAll('article h1, article h2, article h3')].filter(
		(heading) => heading.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING
	);
	return before.at(-1)?.innerText.trim() ?? '';
}

/** The name of a region; of several under one heading each has its number. */
function nameOfTable(root, table) {
	const name = `Table: ${headingOf(table)}`;
	const taken = [...root.querySelectorAll('.scrollbox[aria-label]')].filter(
		(other) => other !== table && other.getAttribute('aria-label').startsWith(name)
	).length;
	return taken ? `${name} (${taken + 1})` : name;
}

function fix(root) {
	for (const table of root.querySelectorAll('.scrollbox:not([tabindex])')) {
		table.tabIndex = 0;
		table.setAttribute('role', 'region');
		table.setAttribute('aria-label', nameOfTable(root, table));
	}
	fixGroups(root);
	fixInputs(root);
	for (const title of root.querySelectorAll('[data-accordion-header]')) {
		const above = [...document.querySelectorAll('article :is(h1, h2, h3, h4)')].filter(
			(heading) => heading.compareDocumentPosition(title) & Node.DOCUMENT_POSITION_FOLLOWING
		);
		title.setAttribute('aria-level', String(Number(above.at(-1)?.tagName[1] ?? 1) + 1));
	}
	for (const choice of root.querySelectorAll('button[role=combobox]:not([aria-label])')) {
		// It names a label that is not there.
		if (document.getElementById(choice.getAttribute('aria-labelledby') ?? '')) continue;
		choice.removeAttribute('aria-labelledby');
		choice.setAttribute('aria-label', choice.innerText.trim() || 'Choose');
	}
	root.querySelectorAll('th:empty').forEach((cell) => cell.setAttribute('role', 'presentation'));
	const [pages, contents] = root.querySelectorAll('aside');
	pages?.setAttribute('aria-label', 'Pages');
	contents?.setAttribute('aria-label', 'On this page');
}

/** Groups of a table are opened by a button, where the whole row says that it is one. */
function fixGroups(root) {
	for (const mark of root.querySelectorAll('tr[role=button] span[aria-expanded]')) {
		const row = mark.closest('tr');
		row.removeAttribute('role');
		row.removeAttribute('tabindex');
		mark.setAttribute('role', 'button');
		mark.setAttribute('aria-label', `Rows of ${row.innerText.split('\t')[0].trim()}`);
		mark.tabIndex = 0;
		mark.addEventListener('keydown', (event) => {
			if (event.key !== 'Enter' && event.key !== ' ') return;
			event.preventDefault();
			row.click();
		});
	}
}

/** The names of inputs stand beside them; a list of a grid is reached by the keyboard. */
function fixInputs(root) {
	for (const handle of root.querySelectorAll('article [role=slider]:not([aria-label])')) {
		let around = handle.parentElement;
		while (around.parentElement && !/\p{L}/u.test(around.innerText)) around = around.parentElement;
		handle.setAttribute('aria-label', around.innerText.split('\n')[0].trim());
	}
	for (const box of root.querySelectorAll('article button input[type=checkbox]:not([aria-label])')) {
		box.setAttribute('aria-label', box.closest('button').innerText.trim() || 'Choose');
	}
	for (const list of root.querySelectorAll('article .overflow-auto.select-none:not([tabindex])')) {
		list.tabIndex = 0;
	}
	// An open list is to be named; Evidence's has no name, and is drawn elsewhere.
	for (const choice of root.querySelectorAll('article button[role=combobox][aria-haspopup=dialog]')) {
		choice.setAttribute('aria-controls', choice.getAttribute('aria-controls') ?? choice.id);
	}
	for (const tip of root.querySelectorAll('article a[data-melt-hover-card-trigger][role=button]')) {
		['role', 'aria-haspopup', 'aria-expanded', 'aria-controls'].forEach((name) =>
			tip.removeAttribute(name)
		);
	}
}

/** Fix the page now and after every change; the result ends it. */
export function keepAccessible(root) {
	let waiting = 0;
	const soon = () => {
		waiting ||= requestAnimationFrame(() => {
			waiting = 0;
			fix(root);
		});
	};
	const observer = new MutationObserver(soon);
	observer.observe(root, { childList: true, subtree: true });
	soon();
	return () => {
		observer.disconnect();
		cancelAnimationFrame(waiting);
	};
}
