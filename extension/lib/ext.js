// @ts-check
/**
 * The browser's interface. Only this file touches it.
 *
 * Chrome calls it `chrome`, Firefox `browser`; both answer with promises. What only one of them
 * has is `undefined` in the other, and whoever uses it asks for that, never for the browser's name.
 */

/**
 * @typedef {{ type: 'http', host: string, port: number }} Proxy
 * @typedef {{
 *   addListener(
 *     choose: (details: { url: string }) => Promise<Proxy | undefined>,
 *     filter: { urls: string[] },
 *   ): void,
 * }} ProxyRequests
 */

const api = /** @type {typeof globalThis & { browser?: typeof chrome }} */ (globalThis).browser
  ?? chrome;

export const {
  action,
  browsingData,
  declarativeNetRequest,
  i18n,
  permissions,
  runtime,
  storage,
  tabs,
  webRequest,
} = api;

/** Asks where each request goes. Firefox has it. */
export const proxyRequests = /** @type {{ onRequest?: ProxyRequests }} */ (
  /** @type {unknown} */ (api.proxy)
).onRequest;

/** Takes one script for all requests. Firefox has something of this name, but asks instead. */
export const proxySettings = proxyRequests ? undefined : api.proxy.settings;

/**
 * How a listener may answer a challenge for credentials, which it has to find out first: in Chrome
 * through a callback, in Firefox with a promise.
 */
export const authenticates = /** @type {`${chrome.webRequest.OnAuthRequiredOptions}`} */ (
  proxyRequests ? 'blocking' : 'asyncBlocking'
);
