// Lets the page open without a connection: its service worker, and in the cache what the page consists of.

const { worker, kept, ground } = document.querySelector(".award").dataset;
const PAGE = "/award";

async function keep() {
  const cache = await caches.open("award");
  const loaded = [...document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src]")];
  const wanted = [...loaded.map((each) => each.href ?? each.src), kept, ground].map((it) => new URL(it, location).href);
  for (const address of new Set(wanted)) if (!(await cache.match(address))) await cache.add(address);
  for (const { url } of await cache.keys()) {
    if (new URL(url).pathname !== PAGE && !wanted.includes(url)) await cache.delete(url);
  }
  const there = await cache.match(PAGE, { ignoreVary: true });
  if (there) return;
  const page = await fetch(PAGE);
  if (page.ok && !page.redirected) await cache.put(PAGE, page);
}

if (navigator.serviceWorker && "caches" in window) {
  navigator.serviceWorker.register(worker, { scope: PAGE }).catch(() => {}); // the page works without
  if (navigator.onLine) keep().catch(() => {}); // next time
}
