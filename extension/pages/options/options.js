// @ts-check
import load, { start_options_page } from '../../wasm/pages.js';
import { start } from '../page.js';

await start(load, start_options_page);
