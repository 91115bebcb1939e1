// @ts-check
import { start_popup_page } from '../../wasm/housekey_wasm.js';
import { start } from '../page.js';

await start(start_popup_page);
