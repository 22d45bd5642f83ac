// How many learners have how much, before and after: bars beside each other, and the same as a table.

import { el, say } from "./rulebook_dom.js";

const WIDTH = 720;
const HEIGHT = 240;
const EDGE = { left: 36, right: 8, top: 12, bottom: 28 };

const svg = (tag, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

// `shown` says an amount of the unit.
export function picture({ unit, least, step, before, after }, shown) {
  const title = say(`distribution_${unit}`);
  const begins = (place) => least + place * step;
  const ranges = before.map((_, place) => (step === 1 ? shown(begins(place)) : `${shown(begins(place))} – ${shown(begins(place + 1) - 1)}`));
  return el("section", { class: "card" },
    el("h2", {}, title),
    el("figure", { class: "picture" },
      bars(title, before, after, (place) => shown(begins(place))),
      el("figcaption", {}, legend())),
    el("details", {}, el("summary", {}, say("as_numbers")), numbers(ranges, before, after)));
}

const legend = () => el("p", { class: "legend" },
  el("span", { class: "key was" }), say("before"), " ", el("span", { class: "key is" }), say("after"));

function bars(title, before, after, label) {
  const most = Math.max(...before, ...after, 1);
  const [width, height] = [WIDTH - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom];
  const slot = width / before.length;
  const bar = Math.min(slot * 0.4, 26);
  const y = (count) => EDGE.top + height - (count / most) * height;
  const made = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title, class: "bars" });
  for (const count of ticks(most)) {
    made.append(
      svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(count), y2: y(count), class: "rule-line" }),
      svg("text", { x: EDGE.left - 6, y: y(count) + 4, "text-anchor": "end" }, String(count)));
  }
  const every = Math.ceil(before.length / 12);
  before.forEach((was, place) => {
    const middle = EDGE.left + slot * (place + 0.5);
    made.append(
      svg("rect", { x: middle - bar - 1, y: y(was), width: bar, height: EDGE.top + height - y(was), rx: 2, class: "was" }),
      svg("rect", { x: middle + 1, y: y(after[place]), width: bar, height: EDGE.top + height - y(after[place]), rx: 2, class: "is" }));
    if (place % every === 0) made.append(svg("text", { x: middle, y: HEIGHT - 8, "text-anchor": "middle" }, label(place)));
  });
  return made;
}

// Whole numbers from 0, at most six.
function ticks(most) {
  let step = 1;
  for (const factor of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000]) {
    step = factor;
    if (most / factor <= 5) break;
  }
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, place) => place * step);
}

function numbers(ranges, before, after) {
  return el("div", { class: "scrolls", tabindex: "0", role: "group", "aria-label": say("as_numbers") }, el("table", { class: "list" },
    el("thead", {}, el("tr", {}, ...["range", "before_learners", "after_learners"].map((each, place) => el("th", { scope: "col", class: place ? "right" : null }, say(each))))),
    el("tbody", {}, ranges.map((range, place) => el("tr", {}, el("th", { scope: "row", class: "number" }, range), el("td", { class: "right" }, String(before[place])), el("td", { class: "right" }, String(after[place])))))));
}
