// @ts-check
import { start_welcome_page } from '../../wasm/housekey_wasm.js';
import { start } from '../page.js';

await start(start_welcome_page);
