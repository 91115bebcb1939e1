/**
 * What must hold on every page in every state. Runs inside the page, behind axe-core; yields
 * findings as `{ check, detail }`. The functions are called one by one by the gallery.
 */

const CONTROLS = 'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]';

/** What nobody should do by mistake. */
const RISKY = [
  '[data-arms]',
  '.danger',
  '[data-action="approve"]',
  '[data-action="replace"]',
  '[data-action$="-confirm"]',
].join(', ');

function describe(element) {
  if (!element) return 'nothing';
  const name = element.localName;
  const id = element.id && `#${element.id}`;
  const classes = [...element.classList].map((it) => `.${it}`).join('');
  const text = element.textContent?.trim().replace(/\s+/g, ' ').slice(0, 40);
  return `${name}${id}${classes}${text ? ` “${text}”` : ''}`;
}

function isVisible(element) {
  return element.checkVisibility({ visibilityProperty: true })
    && element.getClientRects().length > 0;
}

/** The controls that the keyboard should reach, in their order. */
function controls() {
  const dialogs = [...document.querySelectorAll('dialog:modal')];
  const root = dialogs.at(-1) ?? document;
  const groups = new Set();
  return [...root.querySelectorAll(CONTROLS)].filter((element) => {
    if (element.tabIndex < 0 || element.disabled || !isVisible(element)) return false;
    if (element.closest('[inert]')) return false;
    if (element.localName === 'summary' && element.parentElement.querySelector('summary') !== element) {
      return false;
    }
    if (element.type !== 'radio' || !element.name) return true;
    // A group of choices is one stop, at the chosen one.
    const group = [...root.querySelectorAll(`input[type=radio][name="${CSS.escape(element.name)}"]`)];
    if (group.some((it) => it.checked)) return element.checked;
    if (groups.has(element.name)) return false;
    groups.add(element.name);
    return true;
  });
}

/** axe-core's violations. */
async function accessibility() {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, any, all, none }) => ({
      check: `axe ${id}`,
      detail: `${target.join(' ')}: ${[...any, ...all, ...none].map((it) => it.message).join('; ')}`,
    })));
}

/** Whether everything is within the page's width, and no text is cut off. */
function layout() {
  const root = document.documentElement;
  const findings = [];
  if (root.scrollWidth > innerWidth) {
    const wide = [...document.body.querySelectorAll('*')].filter((element) => {
      const { left, right, width } = element.getBoundingClientRect();
      return width > 0 && (right > innerWidth + 0.5 || left < -0.5) && isVisible(element);
    });
    findings.push({
      check: 'overflow',
      detail: `${root.scrollWidth} of ${innerWidth} px: ${wide.slice(0, 3).map(describe).join(', ')}`,
    });
  }
  for (const element of document.body.querySelectorAll('*')) {
    // What a field for files shows is the browser's own affair.
    if (!isVisible(element) || element.clientWidth === 0 || element.type === 'file') continue;
    const { overflowX, textOverflow } = getComputedStyle(element);
    const hides = overflowX === 'hidden' || overflowX === 'clip';
    if (hides && textOverflow !== 'ellipsis' && element.clientWidth > 1
      && element.scrollWidth > element.clientWidth + 1) {
      findings.push({ check: 'cut off', detail: describe(element) });
    }
  }
  for (const element of controls()) {
    const { width, height } = element.getBoundingClientRect();
    if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0
      && element.localName === 'button') {
      findings.push({ check: 'cut off', detail: describe(element) });
    }
    // WCAG 2.2, 2.5.8 makes an exception for links in a sentence.
    if (element.localName === 'button' && (width < 24 || height < 24)) {
      findings.push({ check: 'small target', detail: `${describe(element)} ${width}×${height}` });
    }
  }
  return findings;
}

/** Whether every text of the locale is there: a page shows the key of one that is not. */
function words() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const findings = [];
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    const isKey = /^[a-z0-9]+(_[a-z0-9{}-]*)+$/.test(data.trim());
    if (isKey && isVisible(parentElement)) {
      findings.push({ check: 'no text', detail: data.trim() });
    }
  }
  for (const element of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]')) {
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
      const text = element.getAttribute(name) ?? '';
      if (/^[a-z0-9]+(_[a-z0-9{}-]*)+$/.test(text)) {
        findings.push({ check: 'no text', detail: `${name} ${text}` });
      }
    }
  }
  return findings;
}

/** Whether a key pressed too early can do no harm, and every control says what it is. */
function focusAndNames() {
  const findings = [];
  const focused = document.activeElement;
  if (focused?.matches(RISKY)) {
    findings.push({ check: 'focus on a risky control', detail: describe(focused) });
  }
  axe.setup(document.body);
  for (const element of controls()) {
    const virtual = axe.utils.getNodeFromTree(element);
    if (virtual && axe.commons.text.accessibleTextVirtual(virtual).trim() === '') {
      findings.push({ check: 'control without a name', detail: describe(element) });
    }
  }
  axe.teardown();
  return findings;
}

/** Whether anything still moves for a person who wants nothing to. */
function motion() {
  const seconds = (list) =>
    Math.max(...list.split(',').map((it) => parseFloat(it) * (it.trim().endsWith('ms') ? 0.001 : 1)));
  const findings = [];
  for (const element of document.querySelectorAll('*')) {
    for (const part of [undefined, '::before', '::after']) {
      const style = getComputedStyle(element, part);
      const animated = style.animationName !== 'none' && seconds(style.animationDuration) > 0.001;
      if (animated || seconds(style.transitionDuration) > 0.001) {
        findings.push({ check: 'motion', detail: `${describe(element)}${part ?? ''}` });
      }
    }
    if (getComputedStyle(element).scrollBehavior === 'smooth') {
      findings.push({ check: 'motion', detail: `${describe(element)} scrolls smoothly` });
    }
  }
  return findings;
}

/** Begins a walk with the keyboard before the first control; says how many there are. */
function beginWalk() {
  const dialogs = [...document.querySelectorAll('dialog:modal')];
  const start = document.createElement('span');
  start.tabIndex = -1;
  start.id = 'gallery-start';
  (dialogs.at(-1) ?? document.body).prepend(start);
  const walk = { expected: controls(), reached: [], swallowed: false };
  window.galleryWalk = walk;
  start.focus();
  document.addEventListener('focusin', ({ target }) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(target);
    const outlined = outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
    walk.reached.push({ target, seen: outlined || boxShadow !== 'none' });
  });
  addEventListener('keydown', (event) => {
    if (event.key === 'Tab' && event.defaultPrevented) walk.swallowed = true;
  });
  return walk.expected.length;
}

/** Whether something lies over a control that has the focus (WCAG 2.2, 2.4.11). */
function hiddenFocus() {
  const findings = [];
  for (const element of controls()) {
    element.focus();
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const above = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    if (above && !element.contains(above) && !above.contains(element)
      && ![...(element.labels ?? [])].some((label) => label.contains(above))) {
      findings.push({
        check: 'focus hidden',
        detail: `${describe(element)} lies under ${describe(above)}`,
      });
    }
  }
  return findings;
}

/** What the walk came across. */
function endWalk() {
  const { expected, reached, swallowed } = window.galleryWalk;
  document.querySelector('#gallery-start')?.remove();
  const findings = [];
  // Browsers also stop at what can be scrolled.
  const stops = reached.filter(
    ({ target }) => target.matches(CONTROLS) && target.id !== 'gallery-start',
  );
  expected.forEach((element, index) => {
    const stop = stops[index]?.target;
    if (stop !== element && findings.length === 0) {
      findings.push({
        check: 'keyboard',
        detail: `stop ${index + 1} of ${expected.length} is ${describe(stop)}, not ${describe(element)}`,
      });
    }
  });
  for (const { target, seen } of stops) {
    if (!seen) findings.push({ check: 'focus not visible', detail: describe(target) });
  }
  if (swallowed) findings.push({ check: 'keyboard', detail: 'the page swallows Tab' });
  return findings;
}
