/**
 * Stands in for the extension's background in the gallery: answers its pages from the replies of
 * one state, whose number stands in the page's address.
 */
import states from './gallery-states.js';

const { runtime } = globalThis.browser ?? chrome;

/** What nobody could answer, by state. */
const unanswered = states.map(() => []);

function stateOf({ url }) {
  return Number(new URL(url).searchParams.get('prompt'));
}

/** Two requests are the same if they differ only in what belongs to one visit. */
function essence({ promptId, tabId, url, ...request }) {
  const sorted = (_, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return JSON.stringify(request, sorted);
}

function answerTo(replies, request) {
  const wanted = essence(request);
  const same = replies.filter((it) => essence(it.request) === wanted);
  const alike = replies.filter((it) => it.request.type === request.type);
  return (same.at(-1) ?? alike.at(-1))?.reply;
}

runtime.onMessage.addListener((request, sender, respond) => {
  const number = stateOf(sender);
  if (request.type === 'gallery_unanswered') {
    respond(unanswered[number].splice(0));
    return false;
  }
  const state = states[number];
  // What the core has not answered yet, the page waits for, whatever was answered before.
  const waits = state?.waiting.some((it) => essence(it) === essence(request));
  const reply = !waits && state && answerTo(state.replies, request);
  if (reply) {
    respond(reply);
    return false;
  }
  // So does a state without any reply.
  if (!waits && state?.replies.length !== 0) unanswered[number]?.push(request);
  return true;
});
