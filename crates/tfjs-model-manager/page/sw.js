// Keeps the files of the page, so that it opens without a network. `FILES` and `VERSION` are written by `cargo xtask page`.

const VERSION = '';
const FILES = [];

// Other pages of the origin have caches of their own.
const OURS = `tfjs-model-manager ${self.registration.scope} `;
const CACHE = OURS + VERSION;

self.addEventListener('install', event => {
  const keep = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(FILES.map(file => new Request(self.registration.scope + file, {cache: 'reload'})));
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener('activate', event => {
  const tidy = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter(name => name.startsWith(OURS) && name !== CACHE).map(name => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener('fetch', event => {
  const {request} = event;
  const scope = self.registration.scope;
  if (request.method !== 'GET' || !request.url.startsWith(scope)) return;
  const file = request.url.slice(scope.length).replace(/[?#].*$/, '');
  if (!FILES.includes(file)) return;
  // The network first, so that a page is never older than its server, and never of two versions.
  const kept = async failure => {
    const found = await (await caches.open(CACHE)).match(scope + file);
    if (found) return found;
    throw failure;
  };
  event.respondWith(fetch(request).catch(kept));
});
