// Evidence's settings, for a build that takes the libraries from a shell: see shell.mjs.
import { mergeConfig } from 'vite';
import { shellPlugin } from './shell_plugin.mjs';
import svelteConfig from './svelte.config.js';
import config from './vite.config.js';

const { paths, version } = svelteConfig.kit;
const site = { base: paths.base, version: version.name };
const plugin = shellPlugin(process.env.DATAFLOW_SHELL, site);

export default mergeConfig(config, { plugins: [plugin] });
