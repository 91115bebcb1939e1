// @ts-check
/** What the extension's own pages ask, and the way back to them. */
import { runtime } from './ext.js';

/** @typedef {import('../wasm/background.js').Event} Event */
/** @typedef {import('../wasm/background.js').PageReply} PageReply */
/** @typedef {import('../wasm/background.js').PageRequest} PageRequest */

/** @type {Map<number, (reply: PageReply) => void>} */
const waiting = new Map();
let lastAskId = 0;

/**
 * Takes what a page asks, if it is one of the extension's own. Nobody else is even refused.
 *
 * @param {PageRequest} request
 * @param {chrome.runtime.MessageSender} sender
 * @param {(reply: PageReply) => void} respond
 * @param {(event: Event) => Promise<void>} happened
 * @returns {boolean} whether an answer will follow
 */
export function pageAsked(request, sender, respond, happened) {
  if (!isOwnPage(sender)) return false;
  const askId = ++lastAskId;
  waiting.set(askId, respond);
  happened({
    type: 'page_asked',
    askId,
    tabId: sender.tab?.id ?? null,
    request,
    at: Math.floor(Date.now() / 1_000),
    private: sender.tab?.incognito ?? false,
  }).catch(() => answer(askId, { type: 'error', code: 'bad_message' }));
  return true;
}

/**
 * Answers a page. One that was closed meanwhile misses nothing.
 *
 * @param {number} askId
 * @param {PageReply} reply
 */
export function answer(askId, reply) {
  waiting.get(askId)?.(reply);
  waiting.delete(askId);
}

/**
 * Asks the background, from a page.
 *
 * @param {PageRequest} request
 * @returns {Promise<PageReply>}
 */
export async function ask(request) {
  /** @type {PageReply | undefined} */
  const reply = await runtime.sendMessage(request).catch((error) => {
    console.error('Housekey: the background did not answer:', error);
  });
  return reply ?? { type: 'error', code: 'browser_refused' };
}

/**
 * Firefox leaves `sender.origin` unset, so the address has to tell. A web page can't have one that
 * begins like this, nor can another extension.
 *
 * @param {chrome.runtime.MessageSender} sender
 */
function isOwnPage({ id, url }) {
  return id === runtime.id && url !== undefined && url.startsWith(runtime.getURL(''));
}
