// Giving flowers: whom, then a reason, and it is given. What was tapped is kept on this device until the ledger has it.

import { Kept, ask, fieldsOf, inTurn, newKey } from "./award-kept.js";

const root = document.querySelector(".award");
const texts = JSON.parse(document.querySelector("#texts").content.textContent);

const user = root.dataset.user;
const kept = new Kept(user);
const form = root.querySelector("form.give");
const select = root.querySelector("#place");
const told = root.querySelector("[data-told]");
const language = document.documentElement.lang;
const whole = new Intl.NumberFormat(language);
const separator = language.startsWith("zh") ? "、" : ", ";
const RETRY_SECONDS = 10;
const REFRESH_SECONDS = 30;
const MOST_NAMED = 3;

let token = root.dataset.token;
let left = texts.left;
let place = texts.place;
let asked = Date.now();

const one = (selector, from = root) => from.querySelector(selector);
const all = (selector, from = root) => [...from.querySelectorAll(selector)];
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const flowers = (count) => `${whole.format(count)} ${texts.flower[count === 1 ? 0 : 1]}`;

// --- what is chosen -----------------------------------------------------------------------------------------

function choice() {
  const group = form && one("[name=group]:checked", form);
  const people = form ? all("[name=learner]:checked", form) : [];
  const names = group ? [group.dataset.name] : people.map((each) => one("bdi", each.closest("label")).textContent);
  const count = group ? Number(group.dataset.size) : people.length;
  const amount = form ? Number(one("[name=amount]:checked", form)?.value ?? 1) : 1;
  const named = names.slice(0, MOST_NAMED).join(separator);
  const more = names.length - MOST_NAMED;
  return {
    group: group?.value ?? "",
    learners: group ? [] : people.map((each) => each.value),
    whom: more > 0 ? `${named} ${fill(texts.more, { more })}` : named,
    count,
    amount,
    cost: count * amount,
  };
}

function clearChoice() {
  for (const box of all("[name=learner]:checked, [name=group]:checked", form)) box.checked = false;
}

function restore(award) {
  one(`[name=amount][value="${award.amount}"]`, form).checked = true;
  for (const box of all("[name=learner], [name=group]", form)) {
    box.checked = box.name === "group" ? box.value === award.group : award.learners.includes(box.value);
  }
}

const waiting = () => kept.all().filter((award) => !award.says);
const rest = (of) => (left[of] ?? 0) - waiting().reduce((sum, each) => sum + (each.place === of ? each.count * each.amount : 0), 0);
const takes = () => !select || select.selectedOptions[0].dataset.takes === "yes";

// --- what is shown ------------------------------------------------------------------------------------------

function draw() {
  drawKept();
  if (!place) return;
  const there = rest(place);
  for (const each of all("[data-left]")) each.textContent = whole.format(there);
  const bar = one(".from progress");
  if (bar) bar.value = Math.max(0, there);
  if (!form) return;
  const now = choice();
  const short = now.count > 0 && now.cost > there;
  one("[data-sheet]").classList.toggle("ready", now.count > 0);
  one("[data-clear]").hidden = !now.count;
  const values = { ...now, cost: flowers(now.cost) };
  one("[data-chosen]").textContent = now.count ? fill(now.count > 1 ? texts.many : texts.one, values) : texts.choose;
  one("[data-sheet]").classList.toggle("short", short);
  if (short) fault(fill(texts.short, { left: whole.format(there), needed: whole.format(now.cost) }), true);
  else if (one("[data-fault]").dataset.short) fault("");
  for (const button of all(".chips button, .own button")) button.ariaDisabled = String(short || !now.count || !takes());
}

function fault(text, isShort = false) {
  const shown = one("[data-fault]");
  if (shown.textContent !== text) shown.textContent = text;
  shown.hidden = !text;
  shown.dataset.short = isShort ? "1" : "";
}

function drawKept() {
  const section = one("[data-kept-list]");
  const template = one("template", section);
  const awards = kept.all().filter((award) => award.says || award.isLate);
  one("ul", section).replaceChildren(...awards.map((award) => lineOf(award, template)));
  section.hidden = !awards.length;
  const others = one("[data-others]");
  others.hidden = !kept.others();
  others.textContent = fill(texts.others, { count: kept.others() });
  const isEnded = !one("[data-ended]").hidden; // there is a connection, and something else in the way
  one("[data-offline]").hidden = isEnded || (navigator.onLine && !awards.some((award) => !award.says));
}

function lineOf(award, template) {
  const line = template.content.firstElementChild.cloneNode(true);
  one(".whom bdi", line).textContent = award.whom;
  one(".amount", line).textContent = `+${whole.format(award.count * award.amount)}`;
  one(".why bdi", line).textContent = award.reason;
  const state = award.says ? fill(texts.refused, { why: award.says }) : award.tried ? texts.unsure : texts.waiting;
  one(".when", line).textContent = state;
  line.classList.toggle("refused", Boolean(award.says));
  const drop = one("[data-drop]", line);
  drop.textContent = award.says ? texts.dismiss : texts.drop;
  drop.hidden = !award.says && award.tried;
  drop.addEventListener("click", () => {
    kept.remove(award.key);
    draw();
    tell(award.says ? "" : texts.undone, true);
  });
  return line;
}

// Read out, and shown where the hand is.
function tell(text, takesFocus = false, undo = null) {
  if (!told) return;
  told.replaceChildren(...(text ? [paragraph(text)] : []), ...(undo ? [undo] : []));
  told.classList.toggle("good", Boolean(undo));
  if (takesFocus && text) told.focus({ preventScroll: true });
}

function paragraph(text) {
  const made = document.createElement("p");
  made.textContent = text;
  return made;
}

// --- giving -------------------------------------------------------------------------------------------------

function give(event) {
  event.preventDefault();
  event.stopPropagation();
  const own = one("#own");
  const reason = event.submitter?.value || own.value.trim();
  const now = choice();
  if (!now.count) {
    tell("");
    fault(texts.choose);
    one("[name=learner]", form)?.focus();
    return;
  }
  if (!takes()) return fault(texts.closed);
  if (now.cost > rest(place)) return draw();
  if (!reason) {
    fault(texts.reason);
    own.focus();
    return;
  }
  const { group, learners, whom, count, amount } = now;
  const award = { key: newKey(), user, place, group, learners, whom, count, amount, reason, tapped: Date.now() };
  kept.put(award);
  clearChoice();
  own.value = "";
  fault("");
  tell(texts.sending, true);
  draw();
  send(award.key);
}

let sending = false;
let next; // what to send once more when that is done: a fresh key, or null

// Everything that waits, oldest first. `fresh`: the key of what was tapped just now.
async function send(fresh = null) {
  if (sending) {
    next = fresh ?? next ?? null;
    return;
  }
  sending = true;
  await inTurn(async () => {
    for (const award of waiting()) {
      const outcome = await sendOne(award, award.key === fresh);
      one("[data-ended]").hidden = outcome !== "ended";
      if (outcome !== "ok" && outcome !== "refused") break;
    }
    for (const award of waiting()) {
      if (award.key === fresh) tell(fill(texts.saved, { what: what(award) }));
      kept.put({ ...award, isLate: true });
    }
  });
  sending = false;
  draw();
  if (next !== undefined) {
    const after = next;
    next = undefined;
    return send(after);
  }
  sendLater();
}

let pause = 1; // in seconds
let timer;

// A browser that says it is connected may not be.
function sendLater() {
  clearTimeout(timer);
  if (!waiting().length) {
    pause = 1;
    return;
  }
  timer = setTimeout(send, pause * 1000);
  pause = Math.min(2 * pause, RETRY_SECONDS);
}

async function sendOne(award, isFresh) {
  if (!navigator.onLine) return "later";
  kept.put({ ...award, tried: true });
  let { outcome, answer } = await ask(root.dataset.give, fieldsOf(award), token);
  if (outcome === "stale" && (await refresh())) ({ outcome, answer } = await ask(root.dataset.give, fieldsOf(award), token));
  if (outcome === "ok") {
    kept.remove(award.key);
    show(answer);
    const text = fill(texts.given, { what: what(award) });
    tell(text, false, undoButton(answer.entry, answer.undo_seconds));
  } else if (outcome === "refused") {
    refuse(award, answer, isFresh);
  }
  return outcome;
}

const what = (award) => `${award.whom} · ${flowers(award.count * award.amount)} · ${award.reason}`;

function refuse(award, answer, isFresh) {
  show(answer);
  const why = fill(texts.refused, { why: answer.says });
  if (isFresh && form && !choice().count) {
    kept.remove(award.key);
    restore(award);
    if (award.reason) one("#own").value = award.reason;
    tell("");
    draw();
    fault(why);
    return;
  }
  kept.put({ ...award, says: answer.says });
  tell(why);
}

// --- taking back --------------------------------------------------------------------------------------------

// In the sheet there is a button without a form: the sheet is within one, and forms do not nest.
function undoButton(entry, seconds) {
  const form = one(`[data-today] [data-entry="${entry}"] form.undo`);
  if (!form) return null;
  const made = document.createElement("div");
  made.className = "undo";
  made.dataset.seconds = seconds;
  const button = one("button", form).cloneNode(true);
  one(".countdown", button)?.remove();
  button.type = "button";
  button.addEventListener("click", () => takeBack(made, form.action));
  made.append(button);
  countDown(made);
  return made;
}

function countDown(undo) {
  if (undo.dataset.until) return;
  undo.dataset.until = Date.now() + Number(undo.dataset.seconds) * 1000;
  const shown = document.createElement("span");
  shown.className = "number countdown";
  shown.ariaHidden = "true";
  one("button", undo).append(shown);
  one("button", undo).ariaDescription = texts.undo_for;
  tick(undo);
}

function tick(undo) {
  const seconds = Math.floor((Number(undo.dataset.until) - Date.now()) / 1000);
  if (seconds > 0) {
    one(".countdown", undo).textContent = fill(texts.seconds, { seconds });
    return;
  }
  const hadFocus = undo.contains(document.activeElement);
  undo.remove();
  if (hadFocus) one("#today").focus({ preventScroll: true });
}

async function takeBack(undo, address) {
  if (undo.ariaBusy === "true") return;
  undo.ariaBusy = "true";
  let { outcome, answer } = await ask(address, new URLSearchParams(), token);
  if (outcome === "stale" && (await refresh())) ({ outcome, answer } = await ask(address, new URLSearchParams(), token));
  undo.ariaBusy = null;
  if (outcome === "ok" || outcome === "refused") show(answer);
  if (outcome === "ended") one("[data-ended]").hidden = false;
  if (outcome === "ok") tell(texts.undone, true);
  else if (outcome === "refused") tell(answer.says, true);
  else tell(texts.undo_failed, false, told.contains(undo) ? undo : null);
  draw();
}

// --- keeping up with the ledger -----------------------------------------------------------------------------

function show(answer) {
  token = answer.token;
  left = answer.left;
  asked = Date.now();
  one("[data-ended]").hidden = true;
  const given = one("[data-today]");
  if (given) {
    const focused = document.activeElement?.closest?.("[data-today] [data-entry]")?.dataset.entry;
    given.innerHTML = answer.given; // of this service, escaped there
    all(".undo", given).forEach(countDown);
    if (focused) (one(`[data-entry="${focused}"] button`, given) ?? one("#today")).focus({ preventScroll: true });
  }
  draw();
}

// Whether the same user is signed in; the page of another one is loaded anew.
async function refresh() {
  const { outcome, answer } = await ask(root.dataset.state);
  if (outcome === "ended") one("[data-ended]").hidden = false;
  if (outcome !== "ok") return false;
  if (answer.user !== user) {
    location.reload();
    return false;
  }
  show(answer);
  return true;
}

async function catchUp() {
  if (waiting().length) await send();
  else if (Date.now() - asked > REFRESH_SECONDS * 1000) await refresh();
}

addEventListener("online", () => { pause = 1; draw(); send(); });
addEventListener("offline", draw);
addEventListener("storage", (event) => {
  if (!Kept.concerns(event.key)) return;
  draw();
  if (!event.newValue) refresh(); // another tab has its answer: there is less left
});
addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") catchUp(); });
setInterval(() => all(".undo[data-until]").forEach(tick), 1000);
root.addEventListener("submit", (event) => {
  if (!event.target.matches("form.undo")) return;
  event.preventDefault();
  event.stopPropagation();
  takeBack(event.target, event.target.action);
});

if (select) {
  select.addEventListener("change", () => {
    const [from, to] = [place, select.value].map((key) => all("option", select).find((each) => each.value === key));
    if (from.dataset.programme !== to.dataset.programme && navigator.onLine) return select.form.requestSubmit();
    if (from.dataset.programme !== to.dataset.programme) {
      select.value = place;
      return tell(texts.elsewhere);
    }
    place = select.value;
    if (form) form.elements.place.value = place;
    history.replaceState(null, "", `?${new URLSearchParams({ place })}`);
    one("[data-of]").textContent = fill(texts.of, { given: whole.format(to.dataset.all) });
    one(".from progress").max = Number(to.dataset.all) || 1;
    one("[data-words-of]").textContent = to.dataset.words;
    draw();
  });
}

if (form) {
  form.addEventListener("submit", give);
  form.addEventListener("change", (event) => {
    const { name, checked } = event.target;
    if (checked && (name === "group" || name === "learner")) {
      const others = name === "group" ? "[name=learner]:checked, [name=group]:checked" : "[name=group]:checked";
      for (const box of all(others, form)) if (box !== event.target) box.checked = false;
      tell("");
      fault("");
    }
    draw();
  });
  one("[data-clear]").addEventListener("click", () => {
    clearChoice();
    fault("");
    draw();
    told.focus({ preventScroll: true });
  });
}

root.classList.add("scripted");
all(".undo").forEach(countDown);
draw();
if (waiting().length) send();
