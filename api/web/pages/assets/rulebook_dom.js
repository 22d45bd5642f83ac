// Elements made of their parts, and what they say in the page's language. A control tells that it was written with the
// event "written"; what changes the shape of the document tells it with "reshaped", and where reading is to go on.

let texts = {};
let numbers = 0;

export const useTexts = (given) => {
  texts = given;
};

export const say = (name, values = {}) => {
  if (texts[name] === undefined) throw new Error(`nothing is said for ${name}`);
  return texts[name].replace(/%\((\w+)\)s/g, (_, each) => String(values[each]));
};

export const isSaid = (name) => texts[name] !== undefined;

const isChinese = document.documentElement.lang.startsWith("zh");
export const listed = (items) => items.join(isChinese ? "、" : ", ");
export const titled = (title) => title + (isChinese ? "：" : ": ");

export const newId = (begins = "part") => `${begins}-${++numbers}`;

// `on…` are listeners; undefined, null and false leave an attribute out.
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((each) => each !== null && each !== undefined && each !== false));
  return made;
}

export const icon = (name) => document.getElementById("icons").content.querySelector(`[data-icon="${name}"]`).cloneNode(true);

export const written = (from) => from.dispatchEvent(new CustomEvent("written", { bubbles: true }));

// `focus`: the first of these that is there afterwards, and can be used, gets the focus.
export const reshaped = (from, ...focus) =>
  from.dispatchEvent(new CustomEvent("reshaped", { bubbles: true, detail: { focus } }));

export const tool = (name, label, focus, onclick, more = {}) =>
  el("button", { type: "button", class: "tool small-tool", "aria-label": label, title: label, "data-focus": focus, onclick, ...more }, icon(name));

// A label, its control, a hint, and a place for what is wrong. `path`: of the member in the document.
export function field({ label, path, hint, control, wide }) {
  const id = newId("field");
  const hintId = hint ? `${id}-hint` : null;
  control.id = id;
  control.dataset.path = path;
  control.dataset.focus = path;
  if (hintId) control.setAttribute("aria-describedby", hintId);
  return el("p", { class: wide ? "field wide" : "field" },
    el("label", { for: id }, label),
    control,
    hint ? el("span", { class: "hint", id: hintId }, hint) : null);
}

export function textBox({ value, write, list, code, lines, numeric, label, ...rest }) {
  const control = lines ? el("textarea", { rows: lines }) : el("input", { type: "text", list });
  control.value = value;
  control.autocomplete = "off";
  if (numeric) control.inputMode = "decimal";
  if (numeric) control.classList.add("figure");
  if (code) {
    control.classList.add("code");
    control.spellcheck = false;
  }
  control.addEventListener("input", () => {
    write(control.value, control);
    written(control);
  });
  return field({ label, control, ...rest });
}

// `options`: pairs of value and what it says; a value that is none of them is offered too, as it is.
export function choice({ value, options, write, reshapes, label, ...rest }) {
  const offered = options.some(([each]) => each === value) || value === "" ? options : [...options, [value, value]];
  const control = el("select", {}, offered.map(([each, says]) => el("option", { value: each }, says)));
  control.value = value;
  control.addEventListener("change", () => {
    write(control.value);
    if (reshapes) reshaped(control, control.dataset.focus);
    else written(control);
  });
  return field({ label, control, ...rest });
}

export const row = (...children) => el("div", { class: "row" }, ...children);

export const part = (legend, ...children) => el("fieldset", { class: "part" }, el("legend", {}, legend), ...children);

export const datalist = (options) => {
  const made = el("datalist", { id: newId("list") }, options.map(([value, says]) => el("option", { value, label: says })));
  return made;
};
