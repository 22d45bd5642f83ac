// Opens the page to give flowers where there is no connection. The page itself puts what it consists of into the cache;
// here its latest copy is kept, and shown for half a day at most, as long as a session lasts without use.

const CACHE = "award";
const PAGE = "/award";
const KEPT_HOURS = 12;
const PATIENCE_SECONDS = 8;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  if (request.mode === "navigate" && address.pathname === PAGE) event.respondWith(page(request));
  else if (address.pathname.startsWith("/assets/")) event.respondWith(asset(request));
});

async function page(request) {
  const cache = await caches.open(CACHE);
  const there = fetch(request).then(async (response) => {
    if (response.status === 200 && !response.redirected) await cache.put(PAGE, response.clone());
    else if (response.type === "opaqueredirect" || response.status < 500) await cache.delete(PAGE); // signed out
    return response;
  });
  const kept = await cache.match(PAGE, { ignoreVary: true });
  if (!kept || Date.now() - Date.parse(kept.headers.get("Date")) > KEPT_HOURS * 3_600_000) return there;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_SECONDS * 1000, kept.clone()));
  return Promise.race([there.catch(() => kept), late]);
}

async function asset(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreVary: true })) ?? fetch(request);
}
