// @ts-check
import { start_options_page } from '../../wasm/housekey_wasm.js';
import { start } from '../page.js';

await start(start_options_page);
