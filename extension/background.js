// @ts-check
/** The background: hears the browser and hands everything to the core. */
import { credentials, happened, route } from './lib/core.js';
import { siteDataCleared, tabSettled } from './lib/effects.js';
import {
  SECURE,
  SECURE_PAGES,
  browserStarted,
  navigationStarted,
  pageArrived,
  proxyControl,
  requestFailed,
  siteAccess,
  tabCameToRest,
} from './lib/events.js';
import {
  authenticates,
  permissions,
  proxyRequests,
  proxySettings,
  runtime,
  tabs,
  webRequest,
} from './lib/ext.js';
import { pageAsked } from './lib/messages.js';

/** @typedef {import('./wasm/background.js').Event} Event */

/** What was answered once and is asked again was refused. @type {Set<string>} */
const authenticated = new Set();

/** @param {Event | Promise<Event> | undefined} event */
function tell(event) {
  // The core's queue has logged it, and nobody waits for it here.
  if (event) happened(event).catch(() => {});
}

/**
 * Answers the gateway when it wants to know whether Housekey's own browser is asking.
 *
 * @param {chrome.webRequest.OnAuthRequiredDetails} details
 * @returns {Promise<chrome.webRequest.BlockingResponse>}
 */
async function authenticate({ challenger, isProxy, requestId }) {
  if (!isProxy) return {};
  const authCredentials = await credentials(challenger.host, challenger.port);
  if (!authCredentials) return {};
  const attempt = `${requestId} ${challenger.port}`;
  if (authenticated.has(attempt)) return { cancel: true };
  if (authenticated.size >= MAX_ATTEMPTS) authenticated.clear();
  authenticated.add(attempt);
  return { authCredentials };
}

/**
 * Where Firefox sends a request. `undefined` leaves it where it would go without Housekey, as an
 * error does; `null` or `direct` would overrule the person's own proxy (Firefox's
 * `ProxyChannelFilter.sys.mjs`).
 *
 * @param {{ url: string }} details
 * @returns {Promise<import('./lib/ext.js').Proxy | undefined>}
 */
async function chooseProxy({ url }) {
  const way = await route(url);
  switch (way.type) {
    case 'closed':
      return { type: 'http', host: '127.0.0.1', port: NOBODY };
    case 'gateway':
      return { type: 'http', host: '127.0.0.1', port: way.port };
    case 'pass':
      return undefined;
    default:
      return neverHappens(way);
  }
}

/**
 * @param {never} way
 * @returns {never}
 */
function neverHappens(way) {
  throw new Error(`unknown way ${JSON.stringify(way)}`);
}

/** The discard port (RFC 863): nothing listens there, so the request ends. */
const NOBODY = 9;

/** Far more than are ever under way at once. */
const MAX_ATTEMPTS = 1_000;

// The browser wakes the background for an event, and only listeners that the first turn of this
// module has registered hear it (https://developer.chrome.com/docs/extensions/get-started/tutorial/service-worker-events).
// Whatever they tell waits until the core is there.

webRequest.onBeforeRequest.addListener((details) => {
  tell(navigationStarted(details));
  return undefined;
}, SECURE_PAGES);
webRequest.onErrorOccurred.addListener((details) => tell(requestFailed(details)), SECURE);
webRequest.onCompleted.addListener((details) => {
  void siteDataCleared(details.url);
  tell(pageArrived(details));
}, SECURE_PAGES);
webRequest.onAuthRequired.addListener(
  /** @type {any} */ (
    /**
     * @param {chrome.webRequest.OnAuthRequiredDetails} details
     * @param {((response: chrome.webRequest.BlockingResponse) => void) | undefined} respond
     */
    (details, respond) => {
      const answer = authenticate(details).catch(() => ({}));
      if (!respond) return answer;
      void answer.then(respond);
      return undefined;
    }
  ),
  SECURE,
  [authenticates],
);
proxyRequests?.addListener(chooseProxy, SECURE);
proxySettings?.onChange.addListener((details) => tell(proxyControl(details)));
tabs.onRemoved.addListener((tabId) => {
  void tabSettled(tabId, undefined);
  tell({ type: 'tab_closed', tabId });
});
tabs.onUpdated.addListener((tabId, { status }, { url }) => {
  if (status !== 'complete') return;
  void tabSettled(tabId, url ?? '');
  tell(tabCameToRest(tabId, url));
});
permissions.onAdded.addListener(() => tell(siteAccess()));
permissions.onRemoved.addListener(() => tell(siteAccess()));
runtime.onStartup.addListener(() => void tabs.query({}).then((all) => tell(browserStarted(all))));
runtime.onMessage.addListener((request, sender, respond) =>
  pageAsked(request, sender, respond, happened),
);
