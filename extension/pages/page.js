// @ts-check
/** Starts a page: its controller is in the WebAssembly module, and this is what it may use. */
import { wantedSites } from '../lib/events.js';
import { i18n, permissions, tabs } from '../lib/ext.js';
import { ask } from '../lib/messages.js';
import init from '../wasm/housekey_wasm.js';

/** @typedef {import('../wasm/housekey_wasm.js').PageHost} PageHost */

/** @type {PageHost} */
const host = {
  ask,
  message: (key, substitutions) => i18n.getMessage(key, substitutions),
  order(texts) {
    const { compare } = new Intl.Collator(i18n.getUILanguage(), { numeric: true });
    const before = (/** @type {number} */ a, /** @type {number} */ b) =>
      compare(texts[a] ?? '', texts[b] ?? '');
    return Uint32Array.from(texts.keys()).sort(before);
  },
  // The browser only asks on a person's click, and forgets the click soon.
  requestAccess: () => permissions.request(wantedSites()),
  async tab() {
    const [tab] = await tabs.query({ active: true, currentWindow: true });
    return { tabId: tab?.id ?? -1, url: tab?.url ?? '' };
  },
};

/** @param {(host: PageHost) => Promise<void>} controller */
export async function start(controller) {
  await init({ module_or_path: new URL('../wasm/housekey_wasm_bg.wasm', import.meta.url) });
  await controller(host);
}
