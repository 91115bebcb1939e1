// @ts-check
import { start_access_page } from '../../wasm/housekey_wasm.js';
import { start } from '../page.js';

await start(start_access_page);
