// Evidence's settings, with the names by which the development server may be called.
import { mergeConfig } from 'vite';
import config from './vite.config.js';

const names = (process.env.DATAFLOW_DEV_HOSTS ?? '').split(',').filter(Boolean);
// Here *.example.org stands for all below; vite writes .example.org.
const allowedHosts = names.includes('*') || names.map((name) => name.replace(/^\*/, ''));

export default mergeConfig(config, { server: { allowedHosts } });
