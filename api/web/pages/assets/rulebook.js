// The editor of a rulebook: the document and its cards, looked at by the server while it is written, saved as the draft.

import { cards, freeKey, openCard } from "./rulebook_cards.js";
import { certificateBody, conversionBody, newCertificate } from "./rulebook_certificates.js";
import { el, say, titled, useTexts } from "./rulebook_dom.js";
import { isShowable, read, shown, write } from "./rulebook_document.js";
import { earningBody, newRule, useLanguage } from "./rulebook_earning.js";
import { listFaults, showFaults, showWords } from "./rulebook_faults.js";
import { forget, keep, kept, send } from "./rulebook_keeping.js";

const root = document.getElementById("rulebook");
const boot = JSON.parse(document.getElementById("boot").textContent);
const LOOK_AFTER_MS = 350;
const MOST_UNDONE = 100;

useTexts(boot.texts);
useLanguage(boot.offered.language);
const at = (name) => root.querySelector(`[data-part="${name}"]`);

const state = {
  document: read(boot.text),
  text: null, // what is typed as JSON, while that is shown
  saved: write(read(boot.was)),
  isSaved: boot.is_saved,
  insteadOf: boot.instead_of,
  looked: boot.looked_at,
  undone: [],
  last: "",
  isFresh: true, // nothing was typed yet where the focus is
  isTouched: false,
  asked: 0,
};
state.last = now();

const ground = {
  ...boot.offered,
  scale: boot.scale,
  certificates: () => (state.document.certificates ?? []).map((each) => [shown(each.key), titleOf(each)]),
  fieldsOf: (type) => Object.entries(boot.offered.kinds.find((each) => each.type === type)?.fields ?? {})
    .filter(([name]) => name !== "programme")
    .map(([name, values]) => [name, values.map((each) => shown(each)).join(", ")]),
};

function now() {
  return state.text ?? write(state.document);
}

const isChanged = () => now() !== state.saved;

function titleOf(rule) {
  return rule.name?.[ground.language] || shown(rule.key) || say("unnamed");
}

// Cards ------------------------------------------------------------------------------------------------------------

const SHOWN = {
  earning: {
    title: titleOf,
    marks: (rule) => [rule.award.unit === "flowers" ? say("unit_flowers") : say("unit_credits")],
    body: (rule, path) => earningBody(rule, path, ground),
  },
  certificates: {
    title: titleOf,
    marks: (rule) => [rule.kind === "qualification" ? say("kind_qualification") : say("kind_points")],
    body: (rule, path) => certificateBody(rule, path, ground),
  },
};

function draw() {
  const asJson = state.text !== null;
  at("form").hidden = asJson;
  at("json").hidden = !asJson;
  for (const each of root.querySelectorAll("[data-view]")) each.setAttribute("aria-pressed", String((each.dataset.view === "json") === asJson));
  if (!asJson) {
    for (const section of ["earning", "certificates"]) {
      const list = (state.document[section] ??= []);
      at(section).replaceChildren(...cards(section, list, ground.limits[section], SHOWN[section]));
      at(`no-${section}`).hidden = list.length > 0;
      at(`add-${section}`).disabled = list.length >= ground.limits[section];
      at(`count-${section}`).textContent = list.length || "";
    }
    at("conversion").replaceChildren(el("p", { class: "words", "data-words": "conversion" }), el("div", { class: "body" }, ...conversionBody(state.document, ground)));
  }
  drawState();
}

function drawState() {
  const { faults, more, words } = state.looked;
  if (state.text === null) {
    showWords(root, words);
    showFaults(at("form"), faults);
  }
  for (const fault of faults) fault.instead = root.querySelector(`[data-path="${CSS.escape(fault.path)}"]`)?.dataset.instead || null;
  at("faults").hidden = faults.length === 0;
  listFaults(at("fault-list"), faults, more, state.text !== null, (section, index) => {
    const rule = state.document[section]?.[index];
    return rule ? titleOf(rule) : "";
  }, go);
  const count = faults.length + more;
  at("count").textContent = count ? say("faults", { n: count }) : say("no_faults");
  at("count").className = count ? "mark bad" : "mark good";
  at("state").textContent = say(isChanged() ? "state_changed" : state.isSaved ? "state_saved" : "state_in_force");
  at("save").disabled = !isChanged();
  at("revert").disabled = !isChanged();
  at("undo").disabled = state.undone.length === 0 || state.text !== null;
}

// Leads to what is wrong: opens its card, or goes to its line.
function go(fault) {
  if (state.text !== null) {
    const area = at("text");
    const begins = area.value.split("\n").slice(0, fault.line - 1).join("\n").length + (fault.line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(begins, begins + (area.value.split("\n")[fault.line - 1] ?? "").length);
    return;
  }
  const card = /^(earning|certificates)\[(\d+)\]/.exec(fault.path);
  const rule = card && state.document[card[1]]?.[Number(card[2])];
  if (rule) openCard(rule);
  draw();
  let path = fault.path;
  let found = null;
  while (path && !found) {
    found = root.querySelector(`[data-path="${CSS.escape(path)}"]`);
    path = path.slice(0, Math.max(path.lastIndexOf("."), path.lastIndexOf("["), 0));
  }
  (found?.matches("input, select, textarea") ? found : found?.querySelector("input, select, textarea, button"))?.focus();
}

// What is written ----------------------------------------------------------------------------------------------------

let timer = 0;

function changed() {
  state.isTouched = true;
  keep(boot.kept_as, isChanged() ? { text: now(), insteadOf: state.insteadOf } : null);
  state.last = now();
  clearTimeout(timer);
  timer = setTimeout(look, LOOK_AFTER_MS);
  drawState();
}

async function look() {
  const asked = ++state.asked;
  const answer = await send(root.dataset.check, { text: now() });
  if (asked !== state.asked) return;
  if (answer.ok) state.looked = answer.content;
  if (!state.isAsking) tell(answer.ok ? null : answer.message);
  drawState();
}

function remember() {
  if (state.undone.at(-1) !== state.last) state.undone.push(state.last);
  if (state.undone.length > MOST_UNDONE) state.undone.shift();
}

function focusOn(names) {
  const all = [...root.querySelectorAll("[data-focus]")];
  const found = names.map((name) => all.find((each) => each.dataset.focus === name)).find((each) => each && !each.disabled);
  found?.focus();
}

root.addEventListener("focusin", () => {
  state.isFresh = true;
});
root.addEventListener("written", () => {
  if (state.isFresh) remember();
  state.isFresh = false;
  changed();
});
root.addEventListener("reshaped", (event) => {
  remember();
  draw();
  focusOn(event.detail.focus);
  changed();
});
root.addEventListener("redrawn", (event) => {
  draw();
  focusOn(event.detail.focus);
});

function tell(message, ...more) {
  state.isAsking = false;
  at("message").hidden = !message;
  at("message").replaceChildren(...(message ? [el("p", {}, message), ...more] : []));
}

function show(text) {
  state.document = read(text);
  state.text = null;
  if (!isShowable(state.document)) state.text = text;
  at("text").value = text;
  draw();
  changed();
}

// What the buttons do ----------------------------------------------------------------------------------------------

const ADDED = { earning: ["rule", newRule], certificates: ["certificate", newCertificate] };

function add(section) {
  remember();
  const [begins, made] = ADDED[section];
  const list = state.document[section];
  const rule = made(list.some((each) => each.key === begins) ? freeKey(list, begins) : begins);
  list.push(rule);
  openCard(rule);
  draw();
  changed();
  focusOn([`${section}[${list.length - 1}].name.${ground.language}`]);
}

function view(which) {
  if (which === "json" && state.text === null) {
    state.text = write(state.document);
    at("text").value = state.text;
    draw();
    return;
  }
  if (which !== "form" || state.text === null) return;
  let found;
  try {
    found = read(state.text);
  } catch {
    found = null;
  }
  if (!isShowable(found)) {
    tell(say("not_showable"));
    return;
  }
  tell(null);
  remember();
  state.document = found;
  state.text = null;
  draw();
  changed();
}

async function save() {
  at("save").setAttribute("aria-busy", "true");
  const text = now();
  const answer = await send(root.dataset.save, { text, instead_of: state.insteadOf });
  at("save").removeAttribute("aria-busy");
  if (answer.ok) saved(text, answer.content);
  else if (answer.status === 422 && answer.content.faults) {
    state.looked = { ...answer.content, words: state.looked.words };
    drawState();
    tell(say("cannot_save"));
    go(answer.content.faults[0]);
  } else if (answer.status === 409 && answer.content.differences) conflict(answer.content);
  else tell(answer.message);
}

function saved(text, { instead_of: insteadOf, version }) {
  Object.assign(state, { saved: text, isSaved: true, insteadOf });
  forget(boot.kept_as);
  if (now() !== text) changed();
  drawState();
  tell(null);
  at("done").replaceChildren(say("saved_as", { n: version }), " ", el("a", { href: root.dataset.trial }, say("try_it")));
  at("done").hidden = false;
  at("version").textContent = say("is_draft", { n: version });
  at("drop").hidden = false;
  at("begun").hidden = true;
}

// Somebody else has saved meanwhile: what differs is told, nothing is lost, and whose draft stays is a choice.
function conflict({ instead_of: insteadOf, by, is_draft: isDraft, differences }) {
  const changes = el("ul", { class: "dots" }, differences.map((each) => el("li", {}, el("bdi", {}, titled(each.name)), say(`change_${each.change}`), each.after ? ` ${each.after}` : "")));
  tell(isDraft ? say(by ? "conflict_by" : "conflict", { by }) : say("conflict_gone"),
    differences.length ? el("p", {}, say("conflict_differences")) : null, changes,
    el("p", { class: "buttons" },
      el("button", { type: "button", class: "button first", onclick: () => {
        state.insteadOf = insteadOf;
        save();
      } }, say("save_mine")),
      el("a", { class: "button", href: root.dataset.here, target: "_blank", rel: "noopener" }, say("look_at_theirs"))));
  state.isAsking = true; // until that is answered, no other message takes its place
  at("message").focus();
}

const DO = {
  "add-earning": () => add("earning"),
  "add-certificates": () => add("certificates"),
  save,
  undo: () => {
    const text = state.undone.pop();
    if (text !== undefined) show(text);
    at("undo").focus();
  },
  revert: () => {
    remember();
    show(state.saved);
    forget(boot.kept_as);
  },
  drop: async () => {
    if (!confirm(say("confirm_drop"))) return;
    const answer = await send(root.dataset.drop, { instead_of: state.insteadOf });
    if (!answer.ok) {
      tell(answer.message);
      return;
    }
    forget(boot.kept_as);
    state.isTouched = false;
    location.assign(root.dataset.here);
  },
  "take-kept": () => {
    at("kept").hidden = true;
    state.insteadOf = before.insteadOf;
    remember();
    show(before.text);
  },
  "drop-kept": () => {
    forget(boot.kept_as);
    at("kept").hidden = true;
  },
};

for (const [name, done] of Object.entries(DO)) at(name)?.addEventListener("click", done);
for (const each of root.querySelectorAll("[data-view]")) each.addEventListener("click", () => view(each.dataset.view));
at("text").addEventListener("input", (event) => {
  state.text = event.target.value;
  changed();
});
addEventListener("beforeunload", (event) => {
  if (isChanged() && state.isTouched) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    event.preventDefault();
    if (!at("save").disabled) save();
  }
});

const before = kept(boot.kept_as);
if (before && before.text !== now()) {
  at("kept").hidden = false;
  at("kept-at").textContent = new Date(before.at).toLocaleString(document.documentElement.lang);
}
if (!isShowable(state.document)) {
  state.text = boot.text;
  at("text").value = boot.text;
}
draw();
root.removeAttribute("aria-busy");
