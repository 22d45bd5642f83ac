// The big screen: what comes is shown, views take turns, and what has to be known is said: how old it is, and why.

import { celebrate } from "./screen_party.js";
import { make, put, say, scaled, texts } from "./screen_parts.js";
import { follow } from "./screen_stream.js";
import { clock, day, hearTime, timeOfDay } from "./screen_times.js";
import { Duel, News, People, Race, Teams, fillItem } from "./screen_views.js";

const TICK_MS = 1_000;
const DRAW_MS = 200; // a small computer behind a large screen has time in between
const GRACE_MS = 1_000; // a connection that is back so soon was not worth a word
const STALE_MS = 30_000;
const RELOAD_MS = 60_000;
const RIBBON_MS = 7_000;
const RIBBON_MS_MIN = 1_500;
const IDLE_MS = 4_000;

const body = document.body;
const stage = document.querySelector("#stage");
const views = [
  new Teams("teams", 22),
  new Race("race", 22),
  new People("learners", 20, "learners", "credits"),
  new People("blooms", 16, "blooms", "flowers"),
  new Duel("duel", 20),
  new News("awards", 20),
];
const dots = new Map([...document.querySelectorAll(".dot")].map((dot) => [dot.dataset.view, dot]));
const pinned = views.find((view) => view.name === body.dataset.pinned);

let screen = null;
let isDue = false;
let drawn = -Infinity;
let view = null;
let since = performance.now(); // when the view came, less what it was paused
let paused = false;
let asOf = 0; // by the service's clock: what is shown was true then
let confirmed = 0; // by this machine's: when that was heard
let lostAt = null;
let isFirstOfConnection = true;

// --- what comes ---

follow(body.dataset.stream, {
  screen(data) {
    hear(data.as_of.at);
    if (data.version !== body.dataset.version) renew();
    const before = screen;
    screen = data;
    if (!isDue) setTimeout(() => requestAnimationFrame(draw), Math.max(0, drawn + DRAW_MS - performance.now()));
    isDue = true;
    news(before, data);
  },
  alive: hear,
  away: () => tell(),
  lost() {
    if (lostAt === null) {
      lostAt = performance.now();
      body.dataset.drops = Number(body.dataset.drops) + 1;
    }
    isFirstOfConnection = true;
    setTimeout(tell, GRACE_MS + 50);
  },
  closed() {
    screen = view = null;
    lostAt = null;
    for (const section of stage.children) section.hidden = section.id !== "closed";
    put(document.querySelector("#closed p"), texts.closed);
    document.querySelector("#ribbon").replaceChildren();
    for (const dot of dots.values()) dot.parentElement.hidden = true;
    body.dataset.state = "closed";
    put(document.querySelector("#state"), "");
  },
});

function hear(at) {
  hearTime(at, isFirstOfConnection);
  isFirstOfConnection = false;
  asOf = Date.parse(at);
  confirmed = performance.now();
  lostAt = null;
  tell();
}

/** The service has other pages than this one. Not again and again, while an old and a new one are up together. */
function renew() {
  const last = Number(sessionStorage.getItem("renewed"));
  if (Date.now() - last < RELOAD_MS) return;
  sessionStorage.setItem("renewed", Date.now());
  location.reload();
}

function tell() {
  if (body.dataset.state === "closed" && !screen) return;
  const now = performance.now();
  const isLost = lostAt !== null && now - lostAt > GRACE_MS;
  const state = !screen && !isLost ? "connecting" : isLost ? "lost" : now - confirmed > STALE_MS ? "away" : "live";
  body.dataset.state = state;
  const time = asOf ? timeOfDay(asOf) : "–";
  put(document.querySelector("#state"), say(state, { time }));
}

// --- what is shown ---

function draw() {
  isDue = false;
  drawn = performance.now();
  if (!screen) return;
  put(document.querySelector(".mast h1 bdi"), screen.programme);
  scaled(screen.scale);
  const there = views.filter((each) => each.has(screen));
  for (const each of views) dots.get(each.name).parentElement.hidden = !there.includes(each);
  if (there.length === 0) enter(null);
  else if (!there.includes(view)) enter(there.includes(pinned) ? pinned : there[0]);
  else view.show(screen);
}

function enter(next) {
  view = next;
  since = performance.now();
  const id = next ? next.name : "nothing";
  for (const section of stage.children) if (section.classList.contains("view")) section.hidden = section.id !== id;
  for (const [name, dot] of dots) {
    if (name === id) dot.setAttribute("aria-current", "true");
    else dot.removeAttribute("aria-current");
  }
  if (!next) return;
  dots.get(id).style.setProperty("--seconds", `${next.seconds}s`);
  next.enter();
  next.show(screen);
}

/** To the next view that has something to show, or the one before. */
function turn(by) {
  if (!screen) return;
  const there = views.filter((each) => each.has(screen));
  if (there.length > 0) enter(there.at((there.indexOf(view) + by + there.length) % there.length));
}

// --- what is new ---

const ribbon = document.querySelector("#ribbon");
let newest = 0;
let ribboned = -Infinity;
let waiting = null;

function news(before, now) {
  const top = now.awards[0];
  if (before && top && top.number > newest) announce(top);
  newest = Math.max(newest, top?.number ?? 0);
  const [was, is] = [leader(before), leader(now)];
  if (was && is && was.id !== is.id) celebrate(is);
}

function leader(at) {
  if (!at || at.teams.length < 2 || at.teams[1].rank === 1) return null;
  return at.teams[0];
}

/** One after the other; where many come at once, the newest of them. */
function announce(award) {
  const wait = ribboned + RIBBON_MS_MIN - performance.now();
  if (waiting === null && wait > 0) setTimeout(() => announce(waiting), wait);
  waiting = award;
  if (wait > 0) return;
  waiting = null;
  ribboned = performance.now();
  const line = make("div", "line", make("span", "badge"), make("span", "to"), make("span", "gain number"), make("span", "what"), make("span", "reason"), make("span", "giver"));
  const strip = make("div", "strip", line);
  fillItem(strip, award);
  ribbon.replaceChildren(strip);
}

// --- time ---

setInterval(() => {
  const now = performance.now();
  put(document.querySelector("#clock .day"), day(clock()));
  put(document.querySelector("#clock .time"), timeOfDay(clock()));
  tell();
  if (ribbon.firstChild && now - ribboned > RIBBON_MS) ribbon.replaceChildren();
  if (!view) return;
  view.tick?.();
  if (paused) since += TICK_MS;
  else if (!pinned && now - since > view.seconds * 1_000) turn(1);
}, TICK_MS);

// --- who steers it ---

const pause = document.querySelector("#pause");

function setPaused(to) {
  paused = to;
  body.classList.toggle("paused", paused);
  pause.setAttribute("aria-pressed", String(paused));
}

pause.addEventListener("click", () => setPaused(!paused));
document.querySelector("#full").addEventListener("click", full);
for (const [name, dot] of dots) dot.addEventListener("click", () => screen && enter(views.find((each) => each.name === name)));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isOnButton = event.target.closest?.("button, a");
  if (event.key === "ArrowRight" || event.key === "PageDown") turn(1);
  else if (event.key === "ArrowLeft" || event.key === "PageUp") turn(-1);
  else if (event.key === " " && !isOnButton) setPaused(!paused);
  else if (event.key === "Enter" && !isOnButton) full(); // also of a remote control
  else return;
  event.preventDefault();
});

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

let idle;
for (const kind of ["pointermove", "keydown", "focusin"]) {
  document.addEventListener(kind, () => {
    body.classList.remove("idle");
    clearTimeout(idle);
    idle = setTimeout(() => body.classList.add("idle"), IDLE_MS);
  });
}

// A screen on a wall does not go to sleep, where the browser can help it.
async function stayAwake() {
  if (document.visibilityState === "visible") await navigator.wakeLock?.request("screen").catch(() => {});
}
document.addEventListener("visibilitychange", stayAwake);
stayAwake();
