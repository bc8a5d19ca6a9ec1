// What Evidence's components lack for people with a keyboard or a screen reader, put on them as they
// appear: tables that are wider than the page can be scrolled, and every control has a name.

/** The heading that an element stands under, so that a list of regions tells them apart. */
function headingOf(element) {
	const before = [...document.querySelectorAll('article h1, article h2, article h3')].filter(
		(heading) => heading.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING
	);
	return before.at(-1)?.innerText.trim() ?? '';
}

function fix(root) {
	for (const table of root.querySelectorAll('.scrollbox:not([tabindex])')) {
		table.tabIndex = 0;
		table.setAttribute('role', 'region');
		table.setAttribute('aria-label', `Table: ${headingOf(table)}`);
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
