// @ts-check
/** The helper, at the other end of native messaging. */
import { runtime } from './ext.js';

/** @typedef {import('../wasm/background.js').Event} Event */
/** @typedef {import('../wasm/background.js').FromHelper} FromHelper */
/** @typedef {import('../wasm/background.js').ToHelper} ToHelper */
/** @typedef {(event: Event) => Promise<void>} Happened */

// It comes first, unlike elsewhere: the helper is started below.
/** As the helper's native-messaging manifests say. */
const HOST_NAME = 'app.housekey.helper';

/** @type {chrome.runtime.Port | undefined} */
let port;

/**
 * Connecting is the first that the core wants, always. While it is being loaded, the helper starts.
 * It says nothing unasked, so nobody has to listen yet.
 *
 * @type {chrome.runtime.Port | undefined}
 */
let early = begin();

/**
 * Starts the helper. An open port also keeps the background awake, in both browsers.
 *
 * @param {Happened} happened hears what the helper says, and when it is gone
 */
export function connect(happened) {
  port?.disconnect();
  port = undefined;
  try {
    port = open(happened);
  } catch (error) {
    console.warn('Housekey: the helper could not be started:', error);
    void happened({ type: 'helper_gone' });
  }
}

/**
 * Sends a message. If the helper is gone, that is told in its own event and not here.
 *
 * @param {ToHelper} message
 */
export function send(message) {
  try {
    port?.postMessage(message);
  } catch (error) {
    console.warn('Housekey: the helper is gone:', error);
  }
}

/**
 * @param {Happened} happened
 * @returns {chrome.runtime.Port}
 */
function open(happened) {
  const opened = early ?? runtime.connectNative(HOST_NAME);
  early = undefined;
  const lose = () => {
    if (port !== opened) return;
    port = undefined;
    void happened({ type: 'helper_gone' });
  };
  opened.onMessage.addListener((/** @type {FromHelper} */ message) => {
    if (port !== opened) return;
    happened({ type: 'helper_said', message }).catch(() => {
      // What can't be read is no helper of ours, or a broken one: begin anew.
      opened.disconnect();
      lose();
    });
  });
  opened.onDisconnect.addListener(() => {
    // Chrome complains of a reason that nobody looked at.
    const reason = runtime.lastError?.message;
    if (reason) console.info('Housekey: the helper is gone:', reason);
    lose();
  });
  return opened;
}

/** @returns {chrome.runtime.Port | undefined} nothing where the core has to find out itself */
function begin() {
  try {
    const begun = runtime.connectNative(HOST_NAME);
    begun.onDisconnect.addListener(() => {
      // Chrome complains of a reason that nobody looked at; the next try will say it.
      void runtime.lastError;
      if (early === begun) early = undefined;
    });
    return begun;
  } catch {
    return undefined;
  }
}
