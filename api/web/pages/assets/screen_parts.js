// What the views of the big screen are made of: texts, amounts, people, lists whose items move to their places.

import { colour, crest } from "./crest.js";

const MOVE = { duration: 700, easing: "cubic-bezier(.3, .8, .3, 1)" };

export const texts = JSON.parse(document.querySelector("#texts").textContent);
export const language = document.documentElement.lang;
const still = matchMedia("(prefers-reduced-motion: reduce)");
let scale = 0;

/** How many decimals credits have, from now on. */
export function scaled(by) {
  scale = by;
}

/** Of credits in their smallest parts, of flowers as they are; a mean has at least one decimal. */
export function amount(value, unit, isMean = false) {
  const by = unit === "credits" ? scale : 0;
  return decimals(isMean ? Math.max(1, by) : by).format(Number(value) / 10 ** by);
}

const formats = [];

function decimals(digits) {
  formats[digits] ??= new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return formats[digits];
}

export function say(name, values = {}) {
  return texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

export function make(tag, name = "", ...content) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...content);
  return element;
}

/** Writes only what is another text. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function called(person) {
  if (person.name !== null) return person.name;
  return person.number === null ? texts.someone : say("learner", { number: person.number });
}

export function named(text) {
  return make("bdi", "", text);
}

const WIDE = /[\u2e80-\uffef]/g;
const LONG = 14; // Latin letters, or half as many Chinese ones

/** Writes a name; one that is long is written smaller, in two lines. */
export function name(element, text) {
  put(element.firstChild, text);
  element.classList.toggle("long", text.length + (text.match(WIDE)?.length ?? 0) > LONG);
}

export function plain(parts) {
  return parts.map((part) => (typeof part === "number" ? say("learner", { number: part }) : part)).join("");
}

export function flower() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ class: "flower", viewBox: "-24 -24 48 48", "aria-hidden": "true" })) svg.setAttribute(name, value);
  for (const [x, y] of [[0, -12], [11.4, -3.7], [7, 9.7], [-7, 9.7], [-11.4, -3.7]]) svg.append(circle(x, y, 9.5, "petals"));
  svg.append(circle(0, 0, 7, "heart"));
  return svg;
}

function circle(x, y, r, name) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  for (const [key, value] of Object.entries({ cx: x, cy: y, r, class: name })) made.setAttribute(key, value);
  return made;
}

/** The crest in `box` is the team's; an empty box for nobody's. */
export function wear(box, team) {
  const key = team ? `${team.key} ${team.name} ${team.place}` : "";
  if (box.dataset.of === key) return;
  box.dataset.of = key;
  box.replaceChildren(...(team ? [crest(team.key, team.name, team.place)] : []));
}

/** The element takes the team's colour. */
export function paint(element, place) {
  const wanted = place === null || place === undefined ? "" : `team-${colour(place)}`;
  if (element.dataset.team === wanted) return;
  if (element.dataset.team) element.classList.remove(element.dataset.team);
  if (wanted) element.classList.add(wanted);
  element.dataset.team = wanted;
}

/**
 * A list whose items are kept from one time to the next, and move to their new places.
 *
 * `items` each have an `id`; `create()` makes an element, `update(element, item, place)` fills it in.
 */
export class Moving {
  #box;
  #create;
  #update;
  #elements = new Map();
  #moves = new WeakMap();

  constructor(box, create, update) {
    this.#box = box;
    this.#create = create;
    this.#update = update;
  }

  show(items) {
    const before = this.#places();
    const wanted = new Set(items.map((item) => item.id));
    for (const [id, element] of this.#elements) {
      if (wanted.has(id)) continue;
      element.remove();
      this.#elements.delete(id);
    }
    items.forEach((item, place) => {
      let element = this.#elements.get(item.id);
      if (!element) this.#elements.set(item.id, (element = this.#create()));
      if (this.#box.children[place] !== element) this.#box.insertBefore(element, this.#box.children[place] ?? null);
      this.#update(element, item, place);
    });
    this.#move(before);
  }

  #places() {
    if (still.matches || !this.#box.offsetParent) return new Map();
    return new Map([...this.#elements.values()].map((element) => [element, element.getBoundingClientRect()]));
  }

  /** From where each of them was, even on its way, to where it is now. */
  #move(before) {
    const moved = [];
    for (const [element, was] of before) {
      if (!element.isConnected) continue;
      this.#moves.get(element)?.cancel();
      moved.push([element, was]);
    }
    for (const [element, was, is] of moved.map(([element, was]) => [element, was, element.getBoundingClientRect()])) {
      const x = was.left - is.left;
      const y = was.top - is.top;
      if (Math.abs(x) < 1 && Math.abs(y) < 1) continue;
      this.#moves.set(element, element.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], MOVE));
    }
  }
}

/** Shows for a moment that something grew. */
export function glow(element) {
  if (!still.matches && element.offsetParent) element.animate([{ filter: "brightness(1.35)" }, { filter: "none" }], { duration: 900 });
}
