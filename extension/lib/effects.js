// @ts-check
/** Does what the core says. Only this file changes anything in the browser. */
import {
  action,
  browsingData,
  declarativeNetRequest,
  i18n,
  proxyRequests,
  proxySettings,
  runtime,
  storage,
  tabs,
} from './ext.js';
import { proxyControl } from './events.js';
import { connect, send } from './helper.js';
import { answer } from './messages.js';

/** @typedef {import('../wasm/background.js').Badge} Badge */
/** @typedef {import('../wasm/background.js').Effect} Effect */
/** @typedef {import('../wasm/background.js').HelperStatus} HelperStatus */
/** @typedef {import('../wasm/background.js').Routing} Routing */
/** @typedef {import('../wasm/background.js').Rule} Rule */
/** @typedef {import('./helper.js').Happened} Happened */

/**
 * Tabs that a page is under way to: its address, where Housekey chose it, and the badge for it.
 *
 * @type {Map<number, { url?: string, badge?: Badge }>}
 */
const arriving = new Map();

/**
 * Carries out effects in their order. If one fails, those after it don't happen: they may rest on
 * it, as a new device's page does on the deletion of the old one's cookies.
 *
 * @param {Effect[]} effects
 * @param {Happened} happened
 */
export async function perform(effects, happened) {
  for (const [index, effect] of effects.entries()) {
    try {
      await carryOut(effect, happened);
    } catch (error) {
      console.error(`Housekey: ${effect.type} failed:`, error);
      for (const missed of effects.slice(index)) {
        if ('askId' in missed && missed.askId !== null) {
          answer(missed.askId, { type: 'error', code: 'browser_refused' });
        }
      }
      return;
    }
  }
}

/**
 * @param {Effect} effect
 * @param {Happened} happened
 * @returns {Promise<void>}
 */
async function carryOut(effect, happened) {
  switch (effect.type) {
    case 'answer':
      return answer(effect.askId, effect.reply);
    case 'clear_site_data':
      return clearSiteData(effect.origin, effect.hostname);
    case 'connect_helper':
      return connect(happened);
    case 'leave_prompt':
      return leavePrompt(effect.tabId, effect.promptId, effect.url);
    case 'navigate':
      return leadAgain(effect.tabId, effect.url);
    case 'open':
      return lead(effect.tabId, effect.url);
    case 'remember':
      return storage.local.set({ [SEEN]: effect.seen });
    case 'route':
      return route(effect.routing, happened);
    case 'send_to_helper':
      return send(effect.message);
    case 'set_badge':
      return setBadge(effect.tabId, effect.badge);
    case 'show_access':
      return showAccess();
    case 'show_instead':
      return showInstead(effect, happened);
    case 'show_prompt':
      return lead(effect.tabId, pageOf(effect.promptId));
    case 'show_welcome':
      return showWelcome(effect.status);
    case 'start_timer':
      // The port to the helper keeps the background awake, and where there is none, waking up
      // is what the next event does.
      setTimeout(() => void happened({ type: 'timer_rang', timer: effect.timer }), effect.millis);
      return;
    case 'unroute':
      return unroute();
    default:
      return neverHappens(effect);
  }
}

/**
 * Chrome deletes by origin; its cookies go for the whole host, whatever the port, as they come.
 * Firefox deletes by host name, with the port for what is kept by origin; of its cache it can only
 * delete all. What its interface for extensions can't reach, as the caches that pages keep
 * themselves, goes with the header by which a site can ask for it: Firefox obeys it before the
 * first page of the new device runs (https://www.w3.org/TR/clear-site-data/). Cookies of an IPv6
 * address are out of reach too: they are left out of the first request, and go the same way.
 *
 * @param {string} origin
 * @param {string} hostname
 */
async function clearSiteData(origin, hostname) {
  const everywhere = {
    cache: true,
    cookies: true,
    indexedDB: true,
    localStorage: true,
    serviceWorkers: true,
  };
  await endPages(hostname);
  if (!proxyRequests) {
    await browsingData.remove(
      { origins: [origin] },
      { ...everywhere, cacheStorage: true, fileSystems: true },
    );
    return;
  }
  const hostnames = [...new Set([hostname, new URL(origin).host])];
  const options = /** @type {chrome.browsingData.RemovalOptions} */ ({ hostnames });
  await browsingData.remove(options, everywhere);
  const rules = await declarativeNetRequest.getSessionRules();
  const id = Math.max(0, ...rules.map((rule) => rule.id)) + 1;
  const value = hostname.startsWith('[') ? '"cookies", "storage"' : '"storage"';
  await declarativeNetRequest.updateSessionRules({
    addRules: [
      {
        id,
        action: {
          type: 'modifyHeaders',
          requestHeaders: [{ header: 'cookie', operation: 'remove' }],
          responseHeaders: [{ header: 'clear-site-data', operation: 'set', value }],
        },
        condition: { urlFilter: filterOf(origin), resourceTypes: ['main_frame'] },
      },
    ],
  });
}

/**
 * The first page of a new device has arrived, and the old one's data is gone.
 *
 * @param {string} url
 */
export async function siteDataCleared(url) {
  if (!proxyRequests) return;
  const filter = filterOf(new URL(url).origin);
  const rules = await declarativeNetRequest.getSessionRules();
  const removeRuleIds = rules.filter((it) => it.condition.urlFilter === filter).map(({ id }) => id);
  if (removeRuleIds.length > 0) {
    await declarativeNetRequest.updateSessionRules({ removeRuleIds });
  }
}

/** @param {string} origin */
function filterOf(origin) {
  return `|${origin}/`;
}

/**
 * Ends the pages of a host. What a page of the old device still holds in its memory must not reach
 * the new one either.
 *
 * @param {string} hostname
 */
async function endPages(hostname) {
  const all = await tabs.query({});
  const theirs = all.filter(({ id, url: shown }) => {
    // Where Housekey leads a tab to, it will be, whatever it still shows.
    const url = arriving.get(id ?? -1)?.url ?? shown;
    return url && new URL(url).hostname === hostname;
  });
  await Promise.all(theirs.map(({ id }) => id && tabs.update(id, { url: 'about:blank' })));
}

/**
 * Leads a tab to an address; if the tab is gone meanwhile, so is the need.
 *
 * @param {number} tabId
 * @param {string} url
 */
async function lead(tabId, url) {
  arriving.set(tabId, { url });
  // Not in place of the page before: where the browser has not come to show the failure yet, that
  // is the page that the person came from.
  await tabs.update(tabId, { url }).catch(ignoreClosedTab);
}

/**
 * Leads a tab once more to the address that it could not show, unless it has gone elsewhere since.
 *
 * @param {number} tabId
 * @param {string} url
 */
async function leadAgain(tabId, url) {
  const tab = await tabs.get(tabId).catch(ignoreClosedTab);
  if (tab && !isElsewhere(tab, url)) await lead(tabId, url);
}

/**
 * Whether a tab is no longer at an address that failed. When the failure is told, Chrome forgets that
 * the address is pending, and the tab is still at the page before until that of the failure comes.
 *
 * @param {chrome.tabs.Tab} tab
 * @param {string} url
 */
function isElsewhere({ pendingUrl, status, url: shown }, url) {
  return pendingUrl ? pendingUrl !== url : shown !== url && status === 'complete';
}

/**
 * Shows a question in a tab that could not show an address, unless it has gone elsewhere since:
 * then nobody sees that question.
 *
 * @param {{ tabId: number, url: string, promptId: number, badge: Badge }} question
 * @param {Happened} happened
 */
async function showInstead({ tabId, url, promptId, badge }, happened) {
  const tab = await tabs.get(tabId).catch(ignoreClosedTab);
  if (!tab) return;
  const shown = tab.pendingUrl || tab.url || '';
  // Another question of Housekey's may have been on its way there.
  if (isElsewhere(tab, url) && !shown.startsWith(runtime.getURL(TRUST_PAGE))) {
    void happened({ type: 'tab_settled', tabId, url: shown });
    return;
  }
  if (shown !== pageOf(promptId)) await lead(tabId, pageOf(promptId));
  await setBadge(tabId, badge);
}

/**
 * Leads a tab from a question to the page that it wanted, unless it has gone elsewhere since.
 *
 * @param {number} tabId
 * @param {number} promptId
 * @param {string} url
 */
async function leavePrompt(tabId, promptId, url) {
  const tab = await tabs.get(tabId).catch(ignoreClosedTab);
  const shown = tab && (tab.pendingUrl || tab.url);
  // For a moment the tab may be at the failure that the question is on its way to replace.
  const arrives = shown === url && arriving.get(tabId)?.url === pageOf(promptId);
  if (arrives || shown === pageOf(promptId)) await lead(tabId, url);
}

/** @param {number} promptId */
function pageOf(promptId) {
  return runtime.getURL(`${TRUST_PAGE}?prompt=${promptId}`);
}

/**
 * The rules come first: no request goes through the gateway before they watch over it.
 *
 * @param {Routing} routing
 * @param {Happened} happened
 */
async function route({ closed, pac, rules }, happened) {
  try {
    await replaceRules(rules);
    await proxySettings?.set({
      value: { mode: 'pac_script', pacScript: { data: pac, mandatory: true } },
      // In private windows nobody answers the gateway's challenge: a person would be asked for it.
      scope: 'regular_only',
    });
  } finally {
    // Where the browser refused something, too: then somebody else leads its traffic.
    if (proxySettings) void happened(proxyControl(await proxySettings.get({})));
  }
  // Where it is lost again, it is asked for again.
  if (!closed) storage.local.remove(ASKED).catch(console.info);
}

async function unroute() {
  await proxySettings?.clear({ scope: 'regular_only' });
  await replaceRules([]);
}

/** @param {Rule[]} rules */
async function replaceRules(rules) {
  const old = await declarativeNetRequest.getDynamicRules();
  // Chrome takes tens of milliseconds to compile them anew, and keeps them from one start to the next.
  if (spelledAlike(old) === spelledAlike(rules)) return;
  await declarativeNetRequest.updateDynamicRules({
    removeRuleIds: old.map(({ id }) => id),
    addRules: /** @type {chrome.declarativeNetRequest.Rule[]} */ (rules),
  });
}

/**
 * Rules in one spelling, whatever the order of their fields. What a rule lacks, Firefox has as `null`.
 *
 * @param {unknown} rules
 * @returns {string}
 */
function spelledAlike(rules) {
  return JSON.stringify(rules, (_, value) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    const fields = Object.entries(value).filter(([, it]) => it !== null);
    return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/**
 * The browser wipes a tab's badge when the next page arrives, even if the badge is meant for that
 * very page; so it is shown at once and, where a page is under way, again when that has arrived.
 *
 * @param {number} tabId
 * @param {Badge} badge
 */
async function setBadge(tabId, badge) {
  const tab = await tabs.get(tabId).catch(ignoreClosedTab);
  if (!tab) return;
  const leads = arriving.get(tabId);
  if (leads) leads.badge = badge;
  else if (tab.status !== 'complete') arriving.set(tabId, { badge });
  await paintBadge(tabId, badge);
}

/**
 * A page has arrived in a tab, or left it together with the tab.
 *
 * @param {number} tabId
 * @param {string | undefined} url
 */
export async function tabSettled(tabId, url) {
  const awaited = arriving.get(tabId);
  // The page that failed may be reported after it was decided to replace it.
  if (url !== undefined && awaited?.url !== undefined && awaited.url !== url) return;
  arriving.delete(tabId);
  if (url !== undefined && awaited?.badge) await paintBadge(tabId, awaited.badge);
}

/**
 * @param {number} tabId
 * @param {Badge} badge
 */
async function paintBadge(tabId, badge) {
  const { color, text } = BADGES[badge];
  const title = i18n.getMessage(`badge_${badge}`);
  await Promise.all([
    action.setBadgeBackgroundColor({ tabId, color }),
    action.setBadgeTextColor({ tabId, color: '#ffffff' }),
    action.setBadgeText({ tabId, text }),
    action.setTitle({ tabId, title }),
  ]).catch(ignoreClosedTab);
}

/**
 * Once for each thing that may be the matter with the helper, and not at every start.
 *
 * @param {HelperStatus} status
 */
async function showWelcome(status) {
  const key = `welcomed_${status}`;
  const { [key]: shown } = await storage.local.get(key);
  if (shown) return;
  await storage.local.set({ [key]: true });
  await tabs.create({ url: runtime.getURL('pages/welcome/welcome.html') });
}

/** Once for each time that sites were taken from the extension. */
async function showAccess() {
  const { [ASKED]: asked } = await storage.local.get(ASKED);
  if (asked) return;
  await storage.local.set({ [ASKED]: true });
  await tabs.create({ url: runtime.getURL('pages/access/access.html') });
}

/** @param {unknown} error */
function ignoreClosedTab(error) {
  console.info('Housekey: the tab is gone:', error);
}

/**
 * @param {never} effect
 * @returns {never}
 */
function neverHappens(effect) {
  throw new Error(`unknown effect ${JSON.stringify(effect)}`);
}

/** How far the list of devices has come, as it was seen last. */
export const SEEN = 'seen';

/** Shows a question. */
const TRUST_PAGE = 'pages/trust/trust.html';

/** Whether the page that asks for sites was shown. */
const ASKED = 'asked_for_sites';

/** @type {Record<Badge, { color: string, text: string }>} */
const BADGES = {
  attention: { color: '#8a5a00', text: '!' },
  blocked: { color: '#b3261e', text: '!' },
  declined: { color: '#5f6368', text: '–' },
  none: { color: '#5f6368', text: '' },
  question: { color: '#1a5fb4', text: '?' },
  trusted: { color: '#1f6f4a', text: '✓' },
  waiting: { color: '#5f6368', text: '…' },
};
