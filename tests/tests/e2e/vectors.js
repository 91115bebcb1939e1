// Every way of a page to make a request to another host, from the page itself, from a sandboxed
// frame, and from its workers. It is the body of an asynchronous function, with `PAGE`, `SCHEME`
// and `HOST` put in: what each attempt asks for says where it comes from, so that the device's
// record tells what reached it. What the page saw of it comes back, `absent` for what this browser
// does not have there.

/** What has no need of a document. It becomes a worker's own source, so it knows nothing outside. */
async function anywhere(scheme, host, origin, tag, outcome) {
  const at = (name) => `${scheme}://${host}/echo?${tag}.${name}`;
  const absent = (name) => { outcome[`${tag}.${name}`] = 'absent'; };
  const tries = [];
  const attempt = (name, run) => tries.push(Promise.race([
    new Promise((done) => setTimeout(done, 2500, 'silence')),
    (async () => String(await run()))(),
  ]).then((it) => { outcome[`${tag}.${name}`] = it; }, () => { outcome[`${tag}.${name}`] = 'refused'; }));

  attempt('fetch', async () => (await fetch(at('fetch'))).status);
  attempt('fetch-post', async () => (await fetch(at('fetch-post'), { method: 'POST' })).status);
  attempt('fetch-asking-first', async () =>
    (await fetch(at('fetch-asking-first'), { headers: { 'x-own': '1' } })).status);
  attempt('no-cors', async () => (await fetch(at('no-cors'), { mode: 'no-cors' })).type);
  attempt('keepalive', async () =>
    (await fetch(at('keepalive'), { keepalive: true, mode: 'no-cors', method: 'POST' })).type);
  attempt('redirect', async () =>
    (await fetch(`${origin}/redirect?${at('redirect')}`, { mode: 'no-cors' })).type);
  attempt('socket', () => new Promise((done, fail) => {
    const socket = new WebSocket(`${scheme.replace('http', 'ws')}://${host}/ws?${tag}.socket`);
    socket.onopen = () => { socket.close(); done('open'); };
    socket.onerror = fail;
  }));
  if (globalThis.EventSource) {
    attempt('events', () => new Promise((done, fail) => {
      const source = new EventSource(`${scheme}://${host}/events?${tag}.events`);
      source.onopen = () => { source.close(); done('open'); };
      source.onerror = () => { source.close(); fail(); };
    }));
  } else absent('events');
  if (globalThis.XMLHttpRequest) {
    attempt('xhr', () => new Promise((done, fail) => {
      const request = new XMLHttpRequest();
      request.onload = () => done(request.status);
      request.onerror = fail;
      request.open('POST', at('xhr'));
      request.send('x');
    }));
  } else absent('xhr');
  // An opaque origin has them, and may not use them.
  let caches = false;
  try { caches = Boolean(globalThis.caches); } catch { /* absent */ }
  if (caches) {
    attempt('cache', async () => (await globalThis.caches.open('x')).add(at('cache')));
  } else absent('cache');
  if (globalThis.fetchLater) {
    attempt('fetch-later', () => {
      fetchLater(at('fetch-later'), { activateAfter: 0 });
      return 'queued';
    });
  } else absent('fetch-later');
  if (globalThis.ServiceWorkerGlobalScope) absent('import');
  else attempt('import', () => import(at('import')));
  if (globalThis.DedicatedWorkerGlobalScope) {
    attempt('import-scripts', () => importScripts(at('import-scripts')));
  } else absent('import-scripts');
  await Promise.all(tries);
  return outcome;
}

/** What a document has besides. */
async function inDocument(scheme, host, origin, tag, outcome) {
  const at = (name) => `${scheme}://${host}/echo?${tag}.${name}`;
  const tries = [];
  const attempt = (name, run) => tries.push(Promise.race([
    new Promise((done) => setTimeout(done, 2500, 'silence')),
    (async () => String(await run()))(),
  ]).then((it) => { outcome[`${tag}.${name}`] = it; }, () => { outcome[`${tag}.${name}`] = 'refused'; }));
  const loaded = (element, attribute, url) => new Promise((done, fail) => {
    element.onload = () => done('load');
    element.onerror = fail;
    element[attribute] = url;
    document.body.append(element);
  });
  const make = (name, attributes = {}) => Object.assign(document.createElement(name), attributes);
  const linked = (name, attributes) =>
    attempt(name, () => loaded(make('link', attributes), 'href', at(name)));

  attempt('image', () => loaded(new Image(), 'src', at('image')));
  attempt('image-of-redirect', () =>
    loaded(new Image(), 'src', `${origin}/redirect?${at('image-of-redirect')}`));
  attempt('image-with-cors', () =>
    loaded(make('img', { crossOrigin: 'anonymous' }), 'src', at('image-with-cors')));
  attempt('input-image', () => loaded(make('input', { type: 'image' }), 'src', at('input-image')));
  attempt('svg-image', () => {
    const image = document.createElementNS('http://www.w3.org/2000/svg', 'image');
    image.setAttribute('href', at('svg-image'));
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.append(image);
    document.body.append(svg);
    return 'set';
  });
  attempt('script', () => loaded(make('script'), 'src', at('script')));
  attempt('module', () => loaded(make('script', { type: 'module' }), 'src', at('module')));
  attempt('font', async () => (await new FontFace('Far', `url(${at('font')})`).load()).status);
  linked('style', { rel: 'stylesheet' });
  linked('prefetch', { rel: 'prefetch' });
  linked('preload', { rel: 'preload', as: 'image' });
  linked('modulepreload', { rel: 'modulepreload' });
  attempt('style-url', () => {
    document.body.style.backgroundImage = `url(${at('style-url')})`;
    return 'set';
  });
  attempt('style-import', () => {
    document.head.append(make('style', { textContent: `@import url(${at('style-import')});` }));
    return 'set';
  });
  for (const kind of ['video', 'audio']) {
    attempt(kind, () => new Promise((done, fail) => {
      const media = make(kind, { preload: 'auto' });
      media.onloadeddata = () => done('load');
      media.onerror = fail;
      media.src = at(kind);
      document.body.append(media);
    }));
  }
  attempt('poster', () => {
    document.body.append(make('video', { poster: at('poster') }));
    return 'set';
  });
  attempt('frame', () => loaded(make('iframe'), 'src', at('frame')));
  attempt('frame-of-redirect', () =>
    loaded(make('iframe'), 'src', `${origin}/redirect?${at('frame-of-redirect')}`));
  attempt('sandboxed-frame', () =>
    loaded(make('iframe', { sandbox: 'allow-scripts' }), 'src', at('sandboxed-frame')));
  attempt('object', () => loaded(make('object'), 'data', at('object')));
  attempt('embed', () => loaded(make('embed'), 'src', at('embed')));
  for (const method of ['get', 'post']) {
    attempt(`form-${method}`, () => new Promise((done) => {
      const frame = make('iframe', { name: `${tag}-${method}` });
      const action = at(`form-${method}`);
      const form = make('form', { method, action, target: frame.name });
      // What a form asks for by GET replaces the query.
      form.append(make('input', { name: `${tag}.form-${method}`, value: '' }));
      document.body.append(frame, form);
      form.submit();
      frame.onload = () => done('load');
    }));
  }
  attempt('beacon', () => navigator.sendBeacon(at('beacon'), 'x'));
  attempt('ping', () => {
    const frame = make('iframe', { name: `${tag}-ping` });
    const link = make('a', { href: `${origin}/icon`, target: frame.name, ping: at('ping') });
    document.body.append(frame, link);
    link.click();
    return 'clicked';
  });
  attempt('speculation', () => {
    const rules = JSON.stringify({ prefetch: [{ urls: [at('speculation')], eagerness: 'immediate' }] });
    document.head.append(make('script', { type: 'speculationrules', textContent: rules }));
    return 'set';
  });
  await Promise.all(tries);
  return outcome;
}

const within = (promise) =>
  Promise.race([promise, new Promise((done) => setTimeout(done, 4200, {}))]);
const call = (tag) => [SCHEME, HOST, location.origin, `${PAGE}.${tag}`].map((it) => JSON.stringify(it));
const source = (tag) => `(${anywhere})(${call(tag)}, {})`;
const outcome = {};
const here = `${PAGE}.page`;
const all = [
  anywhere(SCHEME, HOST, location.origin, here, outcome),
  inDocument(SCHEME, HOST, location.origin, here, outcome),
];
const keep = (more) => Object.assign(outcome, more);

const frame = document.createElement('iframe');
frame.sandbox = 'allow-scripts allow-forms';
const told = new Promise((done) => addEventListener('message', (event) => done(event.data)));
frame.srcdoc = `<body><script>
  const outcome = {};
  Promise.all([
    (${anywhere})(${call('sandbox')}, outcome),
    (${inDocument})(${call('sandbox')}, outcome),
  ]).then(() => parent.postMessage(outcome, '*'));
<${'/'}script>`;
document.body.append(frame);
all.push(within(told).then(keep));

const blob = (code) => URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
const worker = new Worker(blob(`${source('worker')}.then(postMessage)`));
all.push(within(new Promise((done) => { worker.onmessage = (event) => done(event.data); })).then(keep));

const shared = new SharedWorker(blob(
  `onconnect = (event) => ${source('shared-worker')}.then((it) => event.ports[0].postMessage(it))`));
all.push(within(new Promise((done) => { shared.port.onmessage = (event) => done(event.data); })).then(keep));

if (navigator.serviceWorker) {
  all.push(within((async () => {
    await navigator.serviceWorker.register('/sw.js');
    const { active } = await navigator.serviceWorker.ready;
    const answer = new Promise((done) => {
      navigator.serviceWorker.onmessage = (event) => done(event.data);
    });
    active.postMessage(source('service-worker'));
    return answer;
  })()).then(keep));
}
await Promise.allSettled(all);
return outcome;
