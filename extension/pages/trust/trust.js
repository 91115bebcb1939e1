// @ts-check
import load, { start_trust_page } from '../../wasm/trust.js';
import { start } from '../page.js';

await start(load, start_trust_page);
