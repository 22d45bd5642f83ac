// What a simulation found, as figures, pictures and tables; and all of it as CSV.

import { el, listed, say } from "./rulebook_dom.js";
import { picture } from "./rulebook_picture.js";

const LEARNERS_OF_PAGE = 50;
const NAMED = 20;
const FORMULA = /^[=+\-@\t\r]/;

export function results(found, { names, courses, scale }) {
  const language = document.documentElement.lang;
  const whole = new Intl.NumberFormat(language);
  const decimals = new Intl.NumberFormat(language, { minimumFractionDigits: scale, maximumFractionDigits: scale });
  const shown = {
    credits: (amount) => decimals.format(amount / 10 ** scale),
    flowers: (amount) => whole.format(amount),
    entries: (count) => whole.format(count),
    name: (key) => names[key] ?? key,
    person: (key) => found.people[key] ?? key,
    course: (key) => courses[key] ?? key,
  };
  return [
    figures(found, whole),
    ...(found.corrections ? [] : [el("p", { class: "card empty" }, say("nothing_changes"))]),
    ...found.distribution.map((each) => picture(each, shown[each.unit])),
    certificates(found, shown),
    rules(found, shown),
    found.learners.total ? learners(found, shown) : null,
    left(found, shown),
    el("p", { class: "buttons" }, el("button", { type: "button", class: "button", onclick: () => save(found, shown, scale) }, say("as_csv"))),
  ].filter(Boolean);
}

function figures(found, whole) {
  const sum = (name) => found.certificates.reduce((all, each) => all + each[`${name}_total`], 0);
  const pairs = [["events", found.events], ["corrections", found.corrections], ["learners", found.learners.total], ["newly", sum("newly")], ["no_longer", sum("no_longer")]];
  return el("dl", { class: "card figures" }, pairs.map(([name, count]) => el("div", {}, el("dt", {}, say(name)), el("dd", {}, whole.format(count)))));
}

const head = (names, numericFrom = 1) => el("thead", {}, el("tr", {}, names.map((name, place) => el("th", { scope: "col", class: place >= numericFrom ? "right" : null }, name))));

const section = (title, ...content) => el("section", { class: "card" }, el("h2", {}, title), ...content);

const table = (title, ...content) => el("div", { class: "scrolls", tabindex: "0", role: "group", "aria-label": title }, el("table", { class: "list" }, ...content));

function compared(was, is, shown) {
  const differs = is - was;
  const difference = differs ? el("span", { class: differs > 0 ? "more" : "less" }, `${differs > 0 ? "+" : "−"}${shown(Math.abs(differs))}`) : el("span", { class: "quiet" }, "0");
  return [el("td", { class: "right" }, shown(was)), el("td", { class: "right" }, shown(is)), el("td", { class: "right" }, difference)];
}

const hasFlowers = (items) => items.some((each) => each.before.flowers || each.after.flowers);

function rules(found, shown) {
  const units = ["credits", ...(hasFlowers(found.rules) ? ["flowers"] : [])];
  const heads = [say("rule"), ...["entries", ...units].flatMap((unit) => [`${say(unit)} · ${say("before")}`, say("after"), say("difference")])];
  return section(say("by_rule"), table(say("by_rule"), head(heads), el("tbody", {}, found.rules.map((each) => el("tr", {},
    el("th", { scope: "row" }, el("bdi", {}, shown.name(each.rule))),
    ...["entries", ...units].flatMap((unit) => compared(each.before[unit], each.after[unit], shown[unit])))))));
}

function certificates(found, shown) {
  if (!found.certificates.length) return null;
  const people = (keys, total) => total === 0 ? el("span", { class: "quiet" }, say("nobody")) : el("details", {},
    el("summary", {}, shown.entries(total)),
    el("p", { class: "small" }, el("bdi", {}, listed(keys.slice(0, NAMED).map((key) => shown.person(key)))), total > NAMED ? ` ${say("and_more", { n: total - NAMED })}` : ""));
  const heads = ["certificate", "qualify_before", "qualify_after", "newly", "no_longer"].map((each) => say(each));
  return section(say("by_certificate"), table(say("by_certificate"), head(heads), el("tbody", {}, found.certificates.map((each) => el("tr", {},
    el("th", { scope: "row" }, el("bdi", {}, shown.name(each.certificate))),
    el("td", { class: "right" }, shown.entries(each.before)), el("td", { class: "right" }, shown.entries(each.after)),
    el("td", { class: "right" }, people(each.newly, each.newly_total)), el("td", { class: "right" }, people(each.no_longer, each.no_longer_total)))))));
}

// Learners, in pages, in an order of the reader's choice -----------------------------------------------------------

function learners(found, shown) {
  const units = ["credits", ...(hasFlowers(found.learners.items) ? ["flowers"] : [])];
  const columns = [
    { title: say("learner"), by: (each) => shown.person(each.learner) },
    { title: say("learner_id"), by: (each) => each.learner },
    { title: say("corrections"), by: (each) => each.corrections, isNumber: true },
    ...units.flatMap((unit) => [
      { title: `${say(unit)} · ${say("before")}`, by: (each) => each.before[unit], isNumber: true },
      { title: `${say(unit)} · ${say("after")}`, by: (each) => each.after[unit], isNumber: true },
      { title: `${say(unit)} · ${say("difference")}`, by: (each) => each.after[unit] - each.before[unit], isNumber: true },
    ]),
  ];
  const line = (each) => el("tr", {},
    el("th", { scope: "row" }, el("bdi", {}, shown.person(each.learner))),
    el("td", {}, el("bdi", { class: "number" }, each.learner)),
    el("td", { class: "right" }, shown.entries(each.corrections)),
    ...units.flatMap((unit) => compared(each.before[unit], each.after[unit], shown[unit])));
  const { items, total } = found.learners;
  const note = items.length < total ? el("p", { class: "quiet small" }, say("first_listed", { n: items.length, of: total })) : null;
  return section(say("by_learner"), note, ...sorted(say("by_learner"), items, columns, line));
}

function sorted(title, items, columns, line) {
  const state = { order: [...items], column: null, isDown: true, from: 0 };
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const body = el("tbody");
  const heads = columns.map((column) => el("th", { scope: "col", class: column.isNumber ? "right" : null }, el("button", { type: "button", class: "sorts", title: say("sort", { name: column.title }), onclick: () => sort(column) }, column.title)));
  const where = el("span", { role: "status" });
  const turn = (by) => {
    state.from += by * LEARNERS_OF_PAGE;
    draw();
  };
  const back = el("button", { type: "button", class: "button", onclick: () => turn(-1) }, say("earlier"));
  const next = el("button", { type: "button", class: "button", onclick: () => turn(1) }, say("further"));
  function sort(column) {
    state.isDown = state.column === column ? !state.isDown : Boolean(column.isNumber);
    Object.assign(state, { column, from: 0 });
    state.order.sort((a, b) => {
      const compare = column.isNumber ? column.by(a) - column.by(b) : collator.compare(column.by(a), column.by(b));
      return state.isDown ? -compare : compare;
    });
    draw();
  }
  function draw() {
    const to = Math.min(state.from + LEARNERS_OF_PAGE, state.order.length);
    body.replaceChildren(...state.order.slice(state.from, to).map(line));
    columns.forEach((column, place) => {
      if (column === state.column) heads[place].setAttribute("aria-sort", state.isDown ? "descending" : "ascending");
      else heads[place].removeAttribute("aria-sort");
    });
    where.textContent = say("page", { from: state.from + 1, to, of: state.order.length });
    back.disabled = state.from === 0;
    next.disabled = to === state.order.length;
  }
  draw();
  return [table(title, el("thead", {}, el("tr", {}, heads)), body), el("p", { class: "turn" }, back, where, next)];
}

function left(found, shown) {
  const items = [
    ...found.courses_left_alone.map((each) => el("li", {}, say("left_alone", { course: shown.course(each.course), n: each.events }))),
    found.short.total ? el("li", {}, say("short", { n: found.short.total }), el("ul", { class: "dots small" }, found.short.items.slice(0, NAMED).map((each) => el("li", {}, el("bdi", {}, shown.person(each.learner)), " ", say("short_one", each))))) : null,
    found.failures.total ? el("li", {}, say("failures", { n: found.failures.total }), el("ul", { class: "dots small" }, found.failures.items.slice(0, NAMED).map((each) => el("li", {}, el("bdi", {}, shown.name(each.rule)), " ", el("span", { class: "code" }, each.reason))))) : null,
  ].filter(Boolean);
  return items.length ? section(say("left"), el("ul", { class: "dots" }, items)) : null;
}

// For spreadsheets: with a mark of UTF-8, and nothing in it that one of them would take for a formula -----------------

function save(found, shown, scale) {
  const plain = { credits: (amount) => (amount / 10 ** scale).toFixed(scale), flowers: String, entries: String };
  const pairs = (each, units) => units.flatMap((unit) => [plain[unit](each.before[unit]), plain[unit](each.after[unit])]);
  const heads = (units) => units.flatMap((unit) => [`${say(unit)} · ${say("before")}`, `${say(unit)} · ${say("after")}`]);
  const rows = [
    [say("rule"), say("learner_id"), ...heads(["entries", "credits", "flowers"])],
    ...found.rules.map((each) => [harmless(shown.name(each.rule)), "", ...pairs(each, ["entries", "credits", "flowers"])]),
    [],
    [say("learner"), say("learner_id"), ...heads(["entries", "credits", "flowers"]), say("corrections")],
    ...found.learners.items.map((each) => [harmless(shown.person(each.learner)), harmless(each.learner), ...pairs(each, ["entries", "credits", "flowers"]), each.corrections]),
    [],
    [say("certificate"), say("learner_id"), say("newly"), say("no_longer")],
    ...found.certificates.flatMap((each) => [
      ...each.newly.map((key) => [harmless(shown.name(each.certificate)), harmless(key), harmless(shown.person(key)), ""]),
      ...each.no_longer.map((key) => [harmless(shown.name(each.certificate)), harmless(key), "", harmless(shown.person(key))]),
    ]),
  ];
  const text = rows.map((cells) => cells.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(",")).join("\r\n");
  const address = URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv;charset=utf-8" }));
  el("a", { href: address, download: `simulation-${found.version}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const harmless = (word) => (FORMULA.test(word) ? `'${word}` : word);
