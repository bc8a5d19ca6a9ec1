// A page whose own code throws while it is drawn takes everything with it, and leaves a white
// screen. This puts in its place what happened and the way to the other pages.
import { addBasePath } from '@evidence-dev/sdk/utils/svelte';

const secondsToDraw = 1;

function show(reason) {
	if (document.querySelector('article')) return;
	const notice = document.createElement('article');
	notice.style.cssText = 'max-width: 40rem; margin: 4rem auto; padding: 0 1rem; font-family: sans-serif';
	const title = document.createElement('h1');
	title.textContent = `${location.pathname} has an error, so it cannot be shown`;
	const message = document.createElement('pre');
	message.style.whiteSpace = 'pre-wrap';
	message.textContent = reason;
	const way = document.createElement('a');
	way.href = addBasePath('/');
	way.textContent = 'The other dashboards';
	way.style.textDecoration = 'underline';
	// SvelteKit would go there by itself, and what it would draw with is broken.
	way.setAttribute('data-sveltekit-reload', '');
	notice.append(title, message, way);
	document.body.append(notice);
}

/** Watch for errors that leave no page behind. */
export function tellOfCrashes() {
	const tell = (error) => setTimeout(() => show(String(error)), secondsToDraw * 1000);
	addEventListener('error', (event) => tell(event.error ?? event.message));
	addEventListener('unhandledrejection', (event) => tell(event.reason));
}
