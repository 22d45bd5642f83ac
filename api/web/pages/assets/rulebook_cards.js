// A list of cards, of rules or of certificates: opened, moved, copied, taken away, each by mouse and by keyboard.

import { el, icon, newId, reshaped, say, tool } from "./rulebook_dom.js";
import { copy } from "./rulebook_document.js";

const open = new WeakSet();
let dragged = null;

export const openCard = (rule) => open.add(rule);

// `title` and `marks` say what a card is while it is closed; `body` makes its fields.
export function cards(section, list, most, { title, marks, body }) {
  return list.map((rule, index) => card(section, list, index, most, { title, marks, body }));
}

function card(section, list, index, most, { title, marks, body }) {
  const rule = list[index];
  const path = `${section}[${index}]`;
  const isOpen = open.has(rule);
  const bodyId = newId("body");
  const toggle = el("button", { type: "button", class: "opens", "aria-expanded": String(isOpen), "aria-controls": isOpen ? bodyId : null, "data-focus": `${path}/open`, onclick: (event) => {
    if (open.has(rule)) open.delete(rule);
    else open.add(rule);
    event.currentTarget.dispatchEvent(new CustomEvent("redrawn", { bubbles: true, detail: { focus: [`${path}/open`] } }));
  } }, icon("open"), el("bdi", {}, title(rule)));
  const made = el("li", { class: "card rule", "data-path": path },
    el("header", {}, grip(() => made, list, index), el("h3", {}, toggle), ...marks(rule).map((each) => el("span", { class: "mark" }, each)), el("span", { class: "mark bad faulty", hidden: true }), tools(section, list, index, most)),
    el("p", { class: "words", "data-words": path }),
    isOpen ? el("div", { class: "body", id: bodyId }, ...body(rule, path)) : null);
  receive(made, list, index, section);
  return made;
}

function move(list, from, to) {
  const [moved] = list.splice(from, 1);
  list.splice(to, 0, moved);
}

function tools(section, list, index, most) {
  const focus = (at, name) => `${section}[${at}]/${name}`;
  return el("div", { class: "tools" },
    tool("up", say("move_up"), focus(index, "up"), (event) => {
      move(list, index, index - 1);
      reshaped(event.currentTarget, focus(index - 1, "up"), focus(index - 1, "down"));
    }, { disabled: index === 0 }),
    tool("down", say("move_down"), focus(index, "down"), (event) => {
      move(list, index, index + 1);
      reshaped(event.currentTarget, focus(index + 1, "down"), focus(index + 1, "up"));
    }, { disabled: index === list.length - 1 }),
    tool("copy", say("duplicate"), focus(index, "copy"), (event) => {
      const made = copy(list[index]);
      made.key = freeKey(list, made.key);
      list.splice(index + 1, 0, made);
      open.add(made);
      reshaped(event.currentTarget, `${section}[${index + 1}].key`);
    }, { disabled: list.length >= most }),
    tool("remove", say("remove"), focus(index, "remove"), (event) => {
      list.splice(index, 1);
      reshaped(event.currentTarget, focus(Math.min(index, list.length - 1), "remove"), `${section}/add`);
    }));
}

// The first of begins-2, begins-3, … that no card has.
export function freeKey(list, begins) {
  const taken = new Set(list.map((each) => each.key));
  const head = String(begins).replace(/-\d+$/, "");
  for (let n = 2; ; n++) if (!taken.has(`${head}-${n}`)) return `${head}-${n}`;
}

// By mouse: the card is held at its grip, and let go on another one. The keyboard has "up" and "down".
function grip(get, list, index) {
  return el("span", { class: "grip", draggable: "true", "aria-hidden": "true", title: say("drag"), ondragstart: (event) => {
    dragged = { list, index };
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(get(), 16, 16);
  }, ondragend: () => { dragged = null; } }, icon("grip"));
}

function receive(made, list, index, section) {
  const isOther = () => dragged && dragged.list === list && dragged.index !== index;
  made.addEventListener("dragover", (event) => {
    if (!isOther()) return;
    event.preventDefault();
    made.classList.add(dragged.index > index ? "before" : "after");
  });
  made.addEventListener("dragleave", () => made.classList.remove("before", "after"));
  made.addEventListener("drop", (event) => {
    if (!isOther()) return;
    event.preventDefault();
    move(list, dragged.index, index);
    dragged = null;
    reshaped(made, `${section}[${index}]/open`);
  });
}
