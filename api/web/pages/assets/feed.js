// The live feed: a stream tells that there is news, and the page asks for it by its own filters; at most once a second.

const list = document.querySelector("[data-feed]");
const ROWS_MOST = 300;
const ASKED_EVERY_MS = 1_000;
const SILENT_MS = 40_000; // the stream shows life every 15 seconds
const RETRY_MS = 2_000;
const RETRY_MS_MAX = 60_000;

if (list?.dataset.isLive === "yes") {
  const live = document.querySelector("[data-live]");
  const pause = document.querySelector("[data-pause]");
  const news = document.querySelector("[data-news]");
  const texts = JSON.parse(news.firstElementChild.dataset.texts);
  let head = list.dataset.head;
  let newest = head;
  let isPaused = false;
  let asking = 0;
  let tries = 0;
  let silence;
  let stream;

  const say = (state) => {
    live.className = `live ${state}`;
    if (live.textContent !== live.dataset[state]) live.textContent = live.dataset[state];
  };

  // Whoever reads further down, or in what was sent, is not moved: what is new waits behind a button.
  const isReading = () => scrollY > list.offsetTop || list.querySelector("details[open]") || list.contains(document.activeElement);

  async function ask() {
    if (asking || isPaused || newest === head) return;
    asking = setTimeout(() => {
      asking = 0;
      ask().catch(later);
    }, ASKED_EVERY_MS);
    const query = new URLSearchParams(location.search);
    query.set("after", head);
    const answer = await fetch(`${list.dataset.newsAt}?${query}`, { headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.redirected) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.json());
  }

  const later = () => setTimeout(() => ask().catch(later), 5 * ASKED_EVERY_MS);

  let waiting = [];
  let waitingIsWhole = false;

  function show(found) {
    head = found.head;
    document.querySelector("[data-sources]").innerHTML = found.sources; // the service's own HTML, escaped there
    if (!found.count) return;
    const template = document.createElement("template");
    template.innerHTML = found.rows;
    const rows = [...template.content.children];
    waiting = found.is_whole ? rows : [...rows, ...waiting];
    waitingIsWhole ||= found.is_whole;
    if (isReading()) announce();
    else put();
  }

  function announce() {
    const [one, many, more] = texts;
    const count = waiting.length;
    news.firstElementChild.textContent = waitingIsWhole ? more.replace("#", count) : count === 1 ? one : many.replace("#", count);
    news.hidden = false;
  }

  function put() {
    for (const row of waiting) row.classList.add("new");
    if (waitingIsWhole) list.replaceChildren(...waiting);
    else list.prepend(...waiting);
    while (list.children.length > ROWS_MOST) list.lastElementChild.remove();
    waiting = [];
    waitingIsWhole = false;
    news.hidden = true;
    document.querySelector("[data-empty]").hidden = true;
  }

  news.firstElementChild.addEventListener("click", () => {
    put();
    scrollTo({ top: list.offsetTop - 80 });
    document.getElementById("arrived").focus({ preventScroll: true });
  });

  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(lost, SILENT_MS);
    tries = 0;
    say(isPaused ? "paused" : "open");
  };

  function open() {
    stream = new EventSource(list.dataset.feed);
    stream.onmessage = (event) => {
      newest = JSON.parse(event.data).head;
      heard();
      ask().catch(later);
    };
    stream.addEventListener("as_of", heard);
    stream.onerror = () => {
      if (stream.readyState === EventSource.CLOSED) lost();
      else say("lost");
    };
  }

  function lost() {
    stream.close();
    clearTimeout(silence);
    say("lost");
    setTimeout(open, Math.min(RETRY_MS * 2 ** tries++, RETRY_MS_MAX) * (0.5 + Math.random() / 2));
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    say(isPaused ? "paused" : "open");
    if (!isPaused) ask().catch(later);
  });

  say("connecting");
  open();
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
}
