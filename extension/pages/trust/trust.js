// @ts-check
import { start_trust_page } from '../../wasm/housekey_wasm.js';
import { start } from '../page.js';

await start(start_trust_page);
