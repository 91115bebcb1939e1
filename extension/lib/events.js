// @ts-check
/** What the browser tells, as events of the core. */
import { permissions, runtime } from './ext.js';

/** @typedef {import('../wasm/background.js').Event} Event */
/** @typedef {import('../wasm/background.js').Tab} Tab */

/** The requests that can be for devices. Only the core knows which are. */
export const SECURE = { urls: ['https://*/*', 'wss://*/*'] };

/** The top-level pages among them. */
export const SECURE_PAGES = {
  urls: ['https://*/*'],
  types: [/** @type {const} */ ('main_frame')],
};

/**
 * A request failed. Why is never read out of the browser's text: it is localised, and the helper
 * knows better.
 *
 * @param {Pick<chrome.webRequest.OnErrorOccurredDetails, 'documentLifecycle' | 'initiator' | 'tabId' | 'type' | 'url'> & { originUrl?: string }} details
 *     Chrome tells the `initiator`, Firefox its `originUrl`
 * @returns {Event | undefined} nothing for what no tab shows: requests of workers, pages that are
 *     only prepared
 */
export function requestFailed({ documentLifecycle, initiator, originUrl, tabId, type, url }) {
  if (tabId < 0 || documentLifecycle === 'prerender') return undefined;
  if (type === 'main_frame') return { type: 'navigation_failed', tabId, url };
  return { type: 'subresource_failed', tabId, url, initiator: initiator ?? originUrl ?? null };
}

/**
 * A tab set out for a page, or was led on by the answer of another.
 *
 * @param {Pick<chrome.webRequest.OnBeforeRequestDetails, 'documentLifecycle' | 'initiator' | 'tabId' | 'url'> & { originUrl?: string, proxyInfo?: { host?: string, port?: number } | null }} details
 *     Firefox tells the proxy, and that there is none
 * @returns {Event | undefined}
 */
export function navigationStarted({
  documentLifecycle,
  initiator,
  originUrl,
  proxyInfo,
  tabId,
  url,
}) {
  if (tabId < 0 || documentLifecycle === 'prerender') return undefined;
  const at = Math.floor(Date.now() / 1_000);
  const way = wayThrough(proxyInfo);
  const by = initiator ?? originUrl ?? null;
  return { type: 'navigation_started', tabId, url, initiator: by, at, way };
}

/**
 * @param {{ host?: string, port?: number } | null | undefined} proxy
 * @returns {import('../wasm/background.js').Way | null} `null` where the browser doesn't tell
 */
function wayThrough(proxy) {
  if (proxy === undefined) return null;
  return proxy?.host ? { type: 'proxy', host: proxy.host, port: proxy.port ?? 0 } : { type: 'direct' };
}

/**
 * A top-level page arrived.
 *
 * @param {Pick<chrome.webRequest.OnCompletedDetails, 'documentLifecycle' | 'tabId' | 'url'>} details
 * @returns {Event | undefined}
 */
export function pageArrived({ documentLifecycle, tabId, url }) {
  if (tabId < 0 || documentLifecycle === 'prerender') return undefined;
  return { type: 'navigation_finished', tabId, url };
}

/**
 * A tab came to rest. The extension's own pages say for themselves when they are done.
 *
 * @param {number} tabId
 * @param {string | undefined} url
 * @returns {Event | undefined}
 */
export function tabCameToRest(tabId, url) {
  if (!url || url === 'about:blank' || url.startsWith(runtime.getURL(''))) return undefined;
  return { type: 'tab_settled', tabId, url };
}

/**
 * The browser said who controls its proxy settings.
 *
 * @param {{ levelOfControl: `${chrome.types.LevelOfControl}` }} details
 * @returns {Event}
 */
export function proxyControl({ levelOfControl }) {
  return { type: 'proxy_control', level: levelOfControl };
}

/**
 * Whether the extension may reach the sites that its manifest asks for. People can take them back.
 *
 * @returns {Promise<Event>}
 */
export async function siteAccess() {
  return { type: 'site_access', granted: await permissions.contains(wantedSites()) };
}

/** The sites that the extension needs, as the browser asks for them. */
export function wantedSites() {
  return { origins: runtime.getManifest().host_permissions ?? [] };
}

/**
 * The browser started with these tabs.
 *
 * @param {chrome.tabs.Tab[]} tabs
 * @returns {Event}
 */
export function browserStarted(tabs) {
  return { type: 'browser_started', tabs: tabs.flatMap(asTab) };
}

/**
 * @param {chrome.tabs.Tab} tab
 * @returns {Tab[]}
 */
function asTab({ id, pendingUrl, url }) {
  const shown = pendingUrl || url;
  return id === undefined || !shown ? [] : [{ tabId: id, url: shown }];
}
