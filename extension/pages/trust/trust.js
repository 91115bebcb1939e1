// @ts-check
import { ask } from '../../lib/messages.js';
import load, { start_trust_page } from '../../wasm/trust.js';
import { start } from '../page.js';

const promptId = Number(new URLSearchParams(location.search).get('prompt')) || 0;
// The module that shows the answer is loaded meanwhile.
const reply = ask({ type: 'trust', promptId });

await start(load, 'trust', (host) => start_trust_page(host, promptId, reply));
