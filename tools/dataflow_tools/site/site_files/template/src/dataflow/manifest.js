import { addBasePath } from '@evidence-dev/sdk/utils/svelte';

/** What is published at this moment; the server answers "unchanged" when it is. */
export async function readManifest(fetch) {
	const nothing = { renderedFiles: {}, workflows: {} };
	try {
		const answer = await fetch(addBasePath('/data/manifest.json'), { cache: 'no-cache' });
		return answer.ok ? { ...nothing, ...(await answer.json()) } : nothing;
	} catch {
		return nothing;
	}
}

/** A moment as people say it: "just now", "12 minutes ago", "3 days ago". */
export function timeAgo(moment, now = Date.now()) {
	const seconds = (now - new Date(moment).getTime()) / 1000;
	const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
	for (const [unit, size] of [
		['year', 31557600],
		['month', 2629800],
		['day', 86400],
		['hour', 3600],
		['minute', 60]
	]) {
		if (seconds >= size) return words.format(-Math.floor(seconds / size), unit);
	}
	return 'just now';
}
