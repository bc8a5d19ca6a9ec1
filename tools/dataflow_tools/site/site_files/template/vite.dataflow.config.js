// Evidence's settings, with the names by which the development server may be called.
import { mergeConfig } from 'vite';
import config from './vite.config.js';

const names = (process.env.DATAFLOW_DEV_HOSTS ?? '').split(',').filter(Boolean);
// Here *.example.org stands for all below; vite writes .example.org.
const allowedHosts = names.includes('*') || names.map((name) => name.replace(/^\*/, ''));

// The packages are those of all projects, which may be served at once.
export default mergeConfig(config, { cacheDir: '.svelte-kit/vite', server: { allowedHosts } });
