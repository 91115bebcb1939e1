// @ts-check
/**
 * The core, which decides everything: events go in one after the other, each with its effects.
 */
import init, { JsCore } from '../wasm/background.js';
import { SEEN, perform } from './effects.js';
import { siteAccess } from './events.js';
import { proxyRequests, runtime, storage } from './ext.js';

/** @typedef {import('../wasm/background.js').Credentials} Credentials */
/** @typedef {import('../wasm/background.js').Event} Event */
/** @typedef {import('../wasm/background.js').Route} Route */

// These come first, unlike elsewhere: the next line already uses them.
const SNAPSHOT = 'core';
const PROFILE = 'profile';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const PATIENCE_MILLIS = 10_000;

const ready = load();

/** Ends when the last event so far and all its effects are through. @type {Promise<unknown>} */
let queue = ready;

/** The core's state as it was kept last. @type {string | undefined} */
let kept;

/** Called at the next change of the core's state. @type {Set<() => void>} */
const waiting = new Set();

const begun = happened(started());
// Nobody tells of what was taken back while the background slept.
void happened(siteAccess());

/**
 * Tells the core what happened, and does what it says.
 *
 * @param {Event | Promise<Event>} event takes its place in the order at once, even as a promise
 * @returns {Promise<void>} fails where the core can't read the event
 */
export function happened(event) {
  const done = queue.then(async () => handle(await event));
  queue = done.catch((error) => console.error('Housekey:', error));
  return done;
}

/** @returns {Promise<Event>} */
async function started() {
  const stored = await storage.local.get([PROFILE, SEEN]).catch(withoutStorage);
  const known = stored[PROFILE];
  const isOne = typeof known === 'string' && UUID.test(known);
  const profile = isOne ? known : crypto.randomUUID();
  if (!isOne) await storage.local.set({ [PROFILE]: profile }).catch(withoutStorage);
  return {
    type: 'started',
    version: runtime.getManifest().version,
    // The browser that takes a script for its proxy is the one that has such an exception.
    linkLocalIsDirect: !proxyRequests,
    profile,
    // Whatever stands there, the event can be read.
    seen: JSON.stringify(stored[SEEN]) ?? null,
  };
}

/**
 * A profile whose storage is damaged or full is a new one at each start, and guarded all the same.
 *
 * @param {unknown} error
 * @returns {Record<string, unknown>}
 */
function withoutStorage(error) {
  console.error('Housekey: the profile cannot be remembered:', error);
  return {};
}

/**
 * Where a request goes. While the gateway is being started the request waits, but not for ever.
 *
 * @param {string} url
 * @returns {Promise<Exclude<Route, { type: 'wait' }>>}
 */
export async function route(url) {
  await begun;
  const core = await ready;
  // Firefox asks for each of a page's requests. The timer is for the few that have to wait.
  const answer = core.route(url);
  if (answer.type !== 'wait') return answer;
  const patience = AbortSignal.timeout(PATIENCE_MILLIS);
  while (!patience.aborted) {
    await nextChange(patience);
    const answer = core.route(url);
    if (answer.type !== 'wait') return answer;
  }
  return { type: 'closed' };
}

/**
 * What to answer to a proxy that wants credentials, if anything.
 *
 * @param {string} host
 * @param {number} port
 * @returns {Promise<Credentials | undefined>}
 */
export async function credentials(host, port) {
  await begun;
  const core = await ready;
  return core.credentials(host, port);
}

/** @returns {Promise<JsCore>} */
async function load() {
  const module_or_path = new URL('../wasm/background_bg.wasm', import.meta.url);
  const [stored] = await Promise.all([storage.session.get(SNAPSHOT), init({ module_or_path })]);
  const snapshot = stored[SNAPSHOT];
  return (typeof snapshot === 'string' && JsCore.restore(snapshot)) || new JsCore();
}

/**
 * @param {Event} event
 * @returns {Promise<void>}
 */
async function handle(event) {
  const core = await ready;
  const effects = core.handle(event);
  keep(core.snapshot());
  await perform(effects, happened);
  for (const wake of waiting) wake();
}

/**
 * Keeps the core's state, as the browser may put the background to sleep at any moment from here
 * on. The browser takes in one thing after the other: what is done next comes behind this, without
 * waiting for it.
 *
 * @param {string} snapshot
 */
function keep(snapshot) {
  if (snapshot === kept) return;
  kept = snapshot;
  storage.session.set({ [SNAPSHOT]: snapshot }).catch((error) => {
    console.error('Housekey: the state could not be kept:', error);
    kept = undefined;
  });
}

/**
 * @param {AbortSignal} patience
 * @returns {Promise<void>}
 */
function nextChange(patience) {
  return new Promise((resolve) => {
    const wake = () => {
      waiting.delete(wake);
      patience.removeEventListener('abort', wake);
      resolve();
    };
    waiting.add(wake);
    patience.addEventListener('abort', wake);
  });
}
