/*
 * The portal without a network: its page and assets as they were when they were last seen, so that it opens and says that
 * it is offline. Data is never kept. The operator app and the API are none of its business.
 */
const shelf = 'portal-1';
const most = 80;
const pages = new Set(['/', '/index.html']);
const parts = new Set(['/boot.portal.js', '/brand.css', '/icon.svg', '/manifest.webmanifest']);

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(tidy().then(() => self.clients.claim())));

async function tidy() {
  for (const name of await caches.keys()) if (name !== shelf) await caches.delete(name);
}

/** Keeps what came, under an address without its query: a token never reaches the shelf. */
async function keep(path, response) {
  const cache = await caches.open(shelf);
  await cache.put(path, response);
  const kept = await cache.keys();
  for (const old of kept.slice(0, Math.max(0, kept.length - most))) await cache.delete(old);
}

async function fromNetworkFirst(request, path) {
  try {
    const response = await fetch(request);
    if (response.ok) await keep(path, response.clone());
    return response;
  } catch (error) {
    const kept = await caches.match(path);
    if (kept) return kept;
    throw error;
  }
}

/** A hashed name never changes its content. */
async function fromShelfFirst(request, path) {
  const kept = await caches.match(path);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await keep(path, response.clone());
  return response;
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin) return;
  if (request.mode === 'navigate' ? pages.has(pathname) : parts.has(pathname)) {
    const path = pages.has(pathname) ? '/index.html' : pathname;
    event.respondWith(fromNetworkFirst(request, path));
  } else if (pathname.startsWith('/assets/')) event.respondWith(fromShelfFirst(request, pathname));
});
