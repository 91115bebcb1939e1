// @ts-check
/** Starts a page: its controller is in a WebAssembly module, and this is what it may use. */
import { wantedSites } from '../lib/events.js';
import { i18n, permissions, tabs } from '../lib/ext.js';
import { ask } from '../lib/messages.js';

/** @typedef {import('../wasm/pages.js').PageHost} PageHost */

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

/**
 * @param {(from: { module_or_path: URL }) => Promise<unknown>} load loads a module
 * @param {'pages' | 'trust'} module its name
 * @param {(host: PageHost) => Promise<void>} controller of that module
 */
export async function start(load, module, controller) {
  const module_or_path = new URL(`../wasm/${module}_bg.wasm`, import.meta.url);
  await Promise.all([load({ module_or_path }), parsed()]);
  await controller(host);
}

/** Ends when the page's HTML is there. Scripts that wait for nothing else may come before it. */
async function parsed() {
  if (document.readyState !== 'loading') return;
  await new Promise((done) => document.addEventListener('DOMContentLoaded', done, { once: true }));
}
