/**
 * <points-leaderboard src="https://bank.example.com" board="scope=programme:2021&members=teams" token="pbw_…">
 *
 * See docs/widget.md. What the bank sends is shown as text only; styles are adopted, as a strict CSP wants.
 */

const HOME = new URL("..", import.meta.url).href;
const SILENT_MS = 40_000; // a stream shows life every 15
const GRACE_MS = 2_000; // who is back by then was not away
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 60_000;
const REFUSED_RETRY_MS = 120_000; // rights come back rarely
const SPEECH_MS = 10_000;
const SPOKEN_MAX = 3;
const MOVE = { duration: 600, easing: "ease-out" };

const TEXTS = {
  zh: {
    columns: { rank: "名次", learners: "学员", teams: "小组", credits: "积分", flowers: "小红花", moved: "变化" },
    caption: (members, unit, mean) => `${members}${unit}榜${mean ? "（人均）" : ""}`,
    tied: "并列",
    moved: (by) => (by > 0 ? `上升 ${by} 名` : by < 0 ? `下降 ${-by} 名` : "名次不变"),
    empty: "暂无成员",
    asOf: "截至 ",
    connecting: "正在连接…",
    live: "实时",
    stale: "连接中断，数据可能已过时，正在重连…",
    refused: "无法显示：",
    announce: (name, rank) => `${name}第 ${rank} 名；`,
    problems: {
      setup: "board、token 或 src 有误。",
      "token-unknown": "令牌无效。",
      "token-expired": "令牌已过期。",
      "token-revoked": "令牌已被撤销。",
      "other-board": "令牌不适用于此榜单。",
      "not-found": "榜单或成员不存在。",
    },
  },
  en: {
    columns: { rank: "Rank", learners: "Learner", teams: "Team", credits: "Credits", flowers: "Flowers", moved: "Moved" },
    caption: (members, unit, mean) => `${members}s by ${unit.toLowerCase()}${mean ? " per member" : ""}`,
    tied: "tied",
    moved: (by) => (by > 0 ? `up ${by}` : by < 0 ? `down ${-by}` : "no change"),
    empty: "Nobody yet",
    asOf: "As of ",
    connecting: "Connecting…",
    live: "Live",
    stale: "Connection lost, this may be out of date. Reconnecting…",
    refused: "Cannot be shown: ",
    announce: (name, rank) => `${name} is number ${rank}. `,
    problems: {
      setup: "board, token or src is missing or wrong.",
    },
  },
};

const SHEET = new CSSStyleSheet();
SHEET.replaceSync(`
:host {
  color-scheme: light dark; display: block; container-type: inline-size;
  --_text: var(--points-text, light-dark(#1f2430, #e8ebf2));
  --_quiet: var(--points-quiet, light-dark(#5f6779, #a3abbd));
  --_line: var(--points-line, light-dark(#e6e8ee, #2e3442));
  --_accent: var(--points-accent, light-dark(#c8102e, #ff6b70));
  --_up: var(--points-up, light-dark(#0a7a3d, #5fd38d));
  --_alert: var(--points-alert, light-dark(#8a4b00, #ffc46b));
  font: var(--points-font, 1em/1.4 system-ui, "Microsoft YaHei", "Noto Sans CJK SC", sans-serif);
}
:host([hidden]) { display: none }
section {
  color: var(--_text); background: var(--points-background, light-dark(#fff, #1a1e28)); overflow: hidden;
  border: 1px solid var(--_line); border-radius: var(--points-radius, .75em); padding: 1em 1.1em .7em;
}
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; transition: opacity .4s }
.stale table, .refused table { opacity: .5 }
caption { text-align: start; font-size: 1.2em; font-weight: 650; padding: 0 .4em .5em }
th { font-size: .8em; font-weight: 500; color: var(--_quiet); text-align: start; padding: .3em .5em }
td { padding: .5em .4em; border-top: 1px solid var(--_line) }
.rank, .score, .moved { white-space: nowrap; padding-inline-end: .7em }
b { display: inline-block; min-width: 1.75em; line-height: 1.75em; border-radius: 1em; text-align: center }
.rank-1 b { background: #f3c544; color: #3d2e00 }
.rank-2 b { background: #cbd2dc; color: #242a33 }
.rank-3 b { background: #dfa577; color: #3a1e08 }
.tied { font-size: .72em; color: var(--_quiet); margin-inline-start: .35em }
.member { width: 60%; overflow-wrap: anywhere }
td.member::after {
  content: ""; display: block; height: .2em; margin-top: .25em; border-radius: 1em; background: var(--_accent);
  width: calc(var(--_share, 0) * 1%); opacity: .8;
}
.score, .moved { text-align: end }
td.score { font-weight: 650 }
td.moved { color: var(--_quiet); font-size: .9em }
.up { color: var(--_up) }
.down { color: var(--points-down, light-dark(#a8471d, #f0a35e)) }
.around { background: color-mix(in srgb, var(--_accent) 9%, transparent) }
.empty td { color: var(--_quiet); padding: 1.5em }
footer {
  display: flex; flex-wrap: wrap; gap: .2em 1em; justify-content: space-between; border-top: 1px solid var(--_line);
  font-size: .8em; color: var(--_quiet); padding: .7em .5em 0;
}
.status::before { content: "●"; margin-inline-end: .5em }
.live .status::before { color: var(--_up) }
:is(.stale, .refused) .status { color: var(--_alert); font-weight: 650 }
:is(.stale, .refused) .status::before { content: "⚠" }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
@container (max-width: 24em) {
  section { padding: .8em .5em .6em }
  .tied { display: block; margin: 0 }
}
@media (prefers-reduced-motion: reduce) { table { transition: none } }
`);

/** An element whose class is also its part. */
function make(tag, name, ...content) {
  const element = document.createElement(tag);
  element.className = element.part.value = name;
  element.append(...content);
  return element;
}

class PointsLeaderboard extends HTMLElement {
  static observedAttributes = ["src", "board", "token", "limit", "around", "lang", "caption"];

  #caption = make("caption", "caption");
  #head = make("tr", "head", ...["rank", "member", "score", "moved"].map((name) => make("th", name)));
  #body = make("tbody", "body");
  #status = make("span", "status");
  #asOf = make("time", "as-of");
  #said = make("p", "unseen");
  #box = make(
    "section",
    "board",
    make("table", "table", this.#caption, make("thead", "", this.#head), this.#body),
    make("footer", "footer", this.#status, this.#asOf),
    this.#said,
  );
  #page;
  #eventId;
  #rows = new Map(); // by the member's id
  #spoken; // ranks by id, as a listener knows them
  #state = "connecting";
  #problem = "";
  #stream;
  #tries = 0;
  #turn = 0; // whoever waited, and finds another turn, is no longer wanted
  #timers = {};

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [SHEET];
    root.append(this.#box);
    for (const cell of this.#head.cells) cell.scope = "col";
    this.#said.ariaLive = "polite";
  }

  connectedCallback() {
    this.#restart();
  }

  disconnectedCallback() {
    this.#close();
    Object.values(this.#timers).forEach(clearTimeout);
    this.#timers = {};
  }

  attributeChangedCallback(name) {
    if (!this.#turn || !this.isConnected) return; // it begins when it is put on a page
    if (name === "lang" || name === "caption") this.#draw();
    else this.#wait("restart", 0, () => this.#restart()); // once, however many change together
  }

  #restart() {
    this.#page = this.#eventId = this.#spoken = null;
    this.#enter("connecting");
    this.#draw();
    this.#open();
  }

  // --- the stream ---

  #url(path) {
    const url = new URL(path, (this.getAttribute("src") || HOME).replace(/\/*$/, "/"));
    url.search = new URLSearchParams(this.getAttribute("board"));
    for (const name of ["limit", "around", "token"]) {
      if (this.hasAttribute(name)) url.searchParams.set(name, this.getAttribute(name));
    }
    return url;
  }

  #open() {
    this.#close();
    const { board, token, src = { value: HOME } } = this.attributes;
    if (!board?.value || !token?.value || !URL.canParse(src.value)) return this.#refuse("setup");
    const url = this.#url("v1/leaderboards/stream");
    if (this.#eventId) url.searchParams.set("last_event_id", this.#eventId);
    const stream = (this.#stream = new EventSource(url));
    stream.onmessage = (event) => {
      this.#eventId = event.lastEventId;
      this.#show(JSON.parse(event.data));
      this.#heard();
    };
    stream.addEventListener("as_of", (event) => {
      if (this.#page) this.#page.as_of = JSON.parse(event.data);
      this.#heard();
    });
    stream.onerror = () => this.#lost(stream.readyState === EventSource.CLOSED);
    this.#wait("silent", SILENT_MS, () => this.#lost());
  }

  #close() {
    this.#turn++;
    this.#stream?.close();
    clearTimeout(this.#timers.silent);
    clearTimeout(this.#timers.retry);
  }

  #wait(name, ms, then) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(then, ms);
  }

  #heard() {
    this.#tries = 0;
    this.#wait("silent", SILENT_MS, () => this.#lost());
    this.#enter("live");
  }

  /** A stream that broke is opened again; of one that was turned away it is asked first, why. */
  async #lost(isTurnedAway) {
    this.#close();
    const turn = this.#turn;
    if (this.#state !== "refused") this.#timers.grace ??= setTimeout(() => this.#enter("stale"), GRACE_MS);
    if (isTurnedAway) await this.#ask(turn);
    const ms = this.#state === "refused" ? REFUSED_RETRY_MS : Math.min(RETRY_MS * 2 ** this.#tries++, RETRY_MS_MAX);
    // With jitter, so that a company's widgets do not all come back at once.
    if (turn === this.#turn) this.#wait("retry", ms * (0.5 + Math.random() / 2), () => this.#open());
  }

  /** EventSource does not tell why; the same question without a stream is answered. */
  async #ask(turn) {
    try {
      const answer = await fetch(this.#url("v1/leaderboards"), { credentials: "omit" });
      const found = await answer.json();
      if (turn !== this.#turn) return;
      if (answer.ok) this.#show(found);
      else if (answer.status < 500 && answer.status !== 429) this.#refuse(found.type.split("/").pop(), found.detail);
    } catch {
      // Not reached, or the origin is not listed: stale is all that can be said.
    }
  }

  #refuse(slug, detail) {
    this.#problem = [slug, detail];
    this.#enter("refused");
  }

  // --- what is seen ---

  get #texts() {
    const lang = (this.closest("[lang]")?.lang || navigator.language).replace("_", "-");
    const [locale, key] = /^(zh|en)\b(-([a-z]{4}|[a-z]{2})\b)?/i.exec(lang) ?? ["en", "en"];
    return { ...TEXTS[key.toLowerCase()], locale };
  }

  #enter(state) {
    const isNews = state !== this.#state && (state !== "live" || this.#state === "stale");
    if (state !== "stale") clearTimeout(this.#timers.grace);
    this.#timers.grace = null;
    this.#state = state;
    this.#drawStatus();
    if (isNews) this.#said.textContent = this.#status.textContent;
  }

  #show(page) {
    this.#page = page;
    this.#draw();
    this.#speak();
  }

  #draw() {
    const { columns, caption } = this.#texts;
    const { unit = "credits", members = "learners", score } =
      this.#page?.board ?? Object.fromEntries(new URLSearchParams(this.getAttribute("board")));
    this.#caption.textContent =
      this.getAttribute("caption") || caption(columns[members], columns[unit], score === "mean");
    ["rank", members, unit, "moved"].forEach((name, index) => {
      this.#head.cells[index].textContent = columns[name];
    });
    this.#drawRows();
    this.#drawStatus();
  }

  #drawStatus() {
    const texts = this.#texts;
    const [slug, detail] = this.#problem;
    const why = this.#state === "refused" ? (texts.problems[slug] ?? detail) : "";
    this.#box.lang = texts.locale;
    this.#box.className = this.#state;
    this.#status.part.value = `status ${this.#state}`;
    this.#status.textContent = texts[this.#state] + why;
    this.#asOf.dateTime = this.#page?.as_of.at ?? "";
    const format = new Intl.DateTimeFormat(texts.locale, { dateStyle: "medium", timeStyle: "medium" });
    this.#asOf.textContent = this.#page ? texts.asOf + format.format(new Date(this.#page.as_of.at)) : "";
  }

  #drawRows() {
    const rows = this.#page?.rows ?? [];
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches || !this.#rows.size;
    const tops = new Map([...this.#rows].map(([id, tr]) => [id, tr.getBoundingClientRect().top]));
    const before = this.#rows;
    this.#rows = new Map(rows.map(({ member: { id } }) => [id, before.get(id) ?? document.createElement("tr")]));
    rows.forEach((row, index) => {
      const isTied = [rows[index - 1], rows[index + 1]].some((other) => other?.rank === row.rank);
      this.#fill(this.#rows.get(row.member.id), row, isTied);
    });
    this.#body.replaceChildren(...this.#rows.values());
    if (this.#page && !rows.length) {
      this.#body.append(make("tr", "empty", make("td", "", this.#texts.empty)));
      this.#body.rows[0].cells[0].colSpan = 4;
    }
    if (isStill) return;
    for (const [id, tr] of this.#rows) {
      const by = tops.get(id) - tr.getBoundingClientRect().top;
      if (by) tr.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], MOVE);
      if (!tops.has(id)) tr.animate([{ opacity: 0 }, { opacity: 1 }], MOVE);
    }
  }

  #fill(tr, { rank, member, score, moved }, isTied) {
    const texts = this.#texts;
    const { scale, score: kind } = this.#page.board;
    const digits = scale + (kind === "mean" ? 2 : 0);
    const format = new Intl.NumberFormat(texts.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    const isAround = member.id === this.getAttribute("around");
    const way = moved > 0 ? "up" : moved < 0 ? "down" : "same";
    const arrow = make("span", way, { up: `▲ ${moved}`, down: `▼ ${-moved}`, same: "–" }[way]);
    arrow.ariaHidden = "true";
    tr.className = tr.part.value = `row ${score > 0 ? `rank-${rank}` : ""} ${isAround ? "around" : ""}`;
    tr.ariaCurrent = isAround ? "true" : null;
    tr.style.setProperty("--_share", Math.max(0, (100 * score) / this.#page.rows[0].score) || 0);
    tr.replaceChildren(
      make("td", "rank", make("b", "", rank), isTied ? make("span", "tied", texts.tied) : ""),
      make("td", "member", member.name),
      make("td", "score", format.format(score / 10 ** scale)),
      make("td", "moved", arrow, make("span", "unseen", texts.moved(moved))),
    );
  }

  /** Says which ranks have changed since it last spoke: a few, and not more often than a listener can bear. */
  #speak() {
    if (this.#timers.speech || !this.#page) return;
    const texts = this.#texts;
    const known = this.#spoken;
    this.#spoken = new Map(this.#page.rows.map((row) => [row.member.id, row.rank]));
    const changed = this.#page.rows.filter((row) => known && known.get(row.member.id) !== row.rank);
    if (!changed.length) return;
    this.#said.textContent = changed
      .slice(0, SPOKEN_MAX)
      .map((row) => texts.announce(row.member.name, row.rank))
      .join("");
    this.#wait("speech", SPEECH_MS, () => {
      this.#timers.speech = null;
      this.#speak();
    });
  }
}

if (!customElements.get("points-leaderboard")) customElements.define("points-leaderboard", PointsLeaderboard);
