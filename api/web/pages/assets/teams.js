// The board of teams: people are dragged, or chosen and moved by keyboard. Who is moved stands in the new team at once,
// and goes back, with the reason, if the service refuses.

const form = document.querySelector("form.moves");
const mover = form?.querySelector(".mover");
const fault = form?.querySelector("[data-fault]");
const said = form?.querySelector("[data-said]");

const seats = (where = form) => [...where.querySelectorAll("[data-seat]")];
const columns = () => [...form.querySelectorAll("[data-team]")];
const columnOf = (key) => columns().find((each) => each.dataset.team === key);
const boxOf = (seat) => seat.querySelector("input");
const chosen = () => seats().filter((seat) => boxOf(seat).checked);

if (form) find();
if (mover) {
  form.classList.add("draggable");
  form.addEventListener("submit", send);
  form.addEventListener("change", showChosen);
  form.addEventListener("keydown", steer);
  form.addEventListener("focusin", (event) => rove(event.target.closest("[data-seat]")));
  for (const column of columns()) rove(seats(column)[0]);
  drag();
  showChosen();
}

// --- finding ---

function find() {
  form.querySelector("[data-find]").hidden = false;
  const field = form.querySelector("#find");
  field.addEventListener("input", () => {
    const text = field.value.trim().toLowerCase();
    for (const seat of seats()) {
      seat.hidden = !(seat.dataset.name.toLowerCase().includes(text) || seat.dataset.learner.toLowerCase().includes(text));
    }
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      const first = seats().find((seat) => !seat.hidden);
      if (first && mover) boxOf(first).focus();
    }
  });
}

// --- moving ---

function send(event) {
  event.preventDefault();
  form.removeAttribute("aria-busy");
  const some = chosen();
  if (some.length) move(some, form.elements.to.value);
}

async function move(some, team) {
  const target = columnOf(team);
  const going = some.filter((seat) => !seat.classList.contains("moving") && seat.closest("[data-team]") !== target);
  if (!going.length) return;
  const later = form.elements.from_on.value > form.dataset.today;
  const before = new Map(going.map((seat) => [seat, seat.closest("[data-team]")]));
  const body = new URLSearchParams({ csrf: form.elements.csrf.value, to: team, from_on: form.elements.from_on.value });
  for (const seat of going) {
    body.append("learner", boxOf(seat).value);
    boxOf(seat).checked = false;
    seat.classList.add("moving");
    if (!later) place(seat, target);
  }
  fault.hidden = true;
  const answer = await post(body);
  for (const seat of going) {
    seat.classList.remove("moving");
    if (answer.ok) {
      boxOf(seat).value = `${team}/${seat.dataset.learner}`;
      seat.classList.add("arrived");
      seat.addEventListener("animationend", () => seat.classList.remove("arrived"), { once: true });
    } else {
      settle(seat, before.get(seat), answer.now);
    }
  }
  if (answer.ok && later) {
    location.assign(`?moved=${answer.moved}&to=${encodeURIComponent(team)}`);
    return;
  }
  if (answer.ok) {
    said.textContent = answer.says;
  } else {
    showChosen();
    fault.textContent = answer.says;
    fault.hidden = false;
    fault.scrollIntoView({ block: "nearest" });
  }
}

async function post(body) {
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    if (response.status === 401) return { ok: false, says: form.dataset.signedOut };
    const found = await response.json();
    return { ...found, ok: response.ok, says: found.says ?? form.dataset.failed };
  } catch {
    return { ok: false, says: form.dataset.failed };
  }
}

// Back to where it was, or to where somebody else has moved it.
function settle(seat, before, now) {
  const elsewhere = now && seat.dataset.learner in now;
  const team = elsewhere ? (now[seat.dataset.learner] ?? "") : before.dataset.team;
  const column = columnOf(team);
  place(seat, column ?? before);
  boxOf(seat).value = `${team}/${seat.dataset.learner}`;
  boxOf(seat).checked = !elsewhere;
}

// Into the column, among the others by id; what had the focus keeps it.
function place(seat, column) {
  const focused = seat.contains(document.activeElement);
  const old = seat.closest("[data-team]");
  const next = seats(column).find((other) => other !== seat && other.dataset.learner > seat.dataset.learner);
  column.querySelector("ul").insertBefore(seat, next ?? null);
  for (const each of [old, column]) each.querySelector("[data-count]").textContent = seats(each).length;
  rove(seats(old)[0]);
  rove(seat);
  if (focused) boxOf(seat).focus();
}

function showChosen() {
  const number = chosen().length;
  said.textContent = number ? form.dataset.selected.replace("0000", number) : "";
}

// --- keys ---

// In each column one person is reached by the tabulator, and the others by arrows.
function rove(seat) {
  if (!seat) return;
  for (const other of seats(seat.closest("[data-team]"))) boxOf(other).tabIndex = other === seat ? 0 : -1;
}

function steer(event) {
  const seat = event.target.closest("[data-seat]");
  if (event.key === "Escape" && (seat || mover.contains(event.target))) {
    for (const each of chosen()) boxOf(each).checked = false;
    showChosen();
    return;
  }
  if (!seat) return;
  if (event.key === "Enter") {
    event.preventDefault();
    if (!chosen().length) boxOf(seat).checked = true;
    showChosen();
    form.elements.to.focus();
    return;
  }
  const next = neighbour(seat, event.key);
  if (next !== undefined) {
    event.preventDefault();
    if (next) boxOf(next).focus();
  }
}

// undefined for other keys; null at an end.
function neighbour(seat, key) {
  const column = seat.closest("[data-team]");
  const here = seats(column).filter((each) => !each.hidden);
  const at = here.indexOf(seat);
  const steps = { ArrowDown: here[at + 1], ArrowUp: here[at - 1], Home: here[0], End: here.at(-1) };
  if (key in steps) return steps[key] ?? null;
  if (key !== "ArrowLeft" && key !== "ArrowRight") return undefined;
  const filled = columns().filter((each) => seats(each).some((other) => !other.hidden));
  const beside = filled[filled.indexOf(column) + (key === "ArrowRight" ? 1 : -1)];
  if (!beside) return null;
  const there = seats(beside).filter((each) => !each.hidden);
  return there[Math.min(at, there.length - 1)];
}

// --- dragging ---

const STARTS_AFTER_PIXELS = 6;
const HELD_MILLISECONDS = 350; // a finger that moves at once scrolls
const EDGE_PIXELS = 70;
const SCROLL_PIXELS = 14;

function drag() {
  let held = null;

  form.addEventListener("pointerdown", (event) => {
    const seat = event.target.closest("[data-seat]");
    if (!seat || event.button !== 0 || !event.isPrimary) return;
    held = { seat, x: event.clientX, y: event.clientY, id: event.pointerId, ghost: null, over: null, timer: 0 };
    if (event.pointerType !== "mouse") held.timer = setTimeout(lift, HELD_MILLISECONDS);
  });
  addEventListener("pointermove", (event) => {
    if (!held || event.pointerId !== held.id) return;
    const far = Math.hypot(event.clientX - held.x, event.clientY - held.y) > STARTS_AFTER_PIXELS;
    if (!held.ghost && far) {
      if (event.pointerType === "mouse") lift();
      else return end();
    }
    if (held.ghost) follow(event.clientX, event.clientY);
  });
  addEventListener("pointerup", (event) => {
    if (!held || event.pointerId !== held.id) return;
    const { seat, ghost, over } = held;
    end();
    if (!ghost) return;
    addEventListener("click", stop, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", stop, { capture: true }), 0);
    if (over) move(boxOf(seat).checked ? chosen() : [seat], over.dataset.team);
  });
  addEventListener("pointercancel", end);
  addEventListener("keydown", (event) => { if (event.key === "Escape") end(); });
  form.addEventListener("touchmove", (event) => { if (held?.ghost) event.preventDefault(); }, { passive: false });
  form.addEventListener("dragstart", (event) => event.preventDefault());
  form.addEventListener("contextmenu", (event) => { if (held?.ghost) event.preventDefault(); });

  function stop(event) {
    event.preventDefault();
    event.stopPropagation();
  }

  function lift() {
    if (!held || held.ghost) return;
    const number = boxOf(held.seat).checked ? chosen().length : 1;
    held.ghost = document.createElement("div");
    held.ghost.className = "dragged";
    held.ghost.textContent = number > 1 ? form.dataset.several.replace("0000", number) : held.seat.dataset.name;
    document.body.append(held.ghost);
    document.documentElement.classList.add("dragging");
    follow(held.x, held.y);
    requestAnimationFrame(scroll);
  }

  function follow(x, y) {
    held.x = x;
    held.y = y;
    held.ghost.style.transform = `translate(${x + 12}px, ${y + 12}px)`;
    const over = document.elementFromPoint(x, y)?.closest("[data-team]") ?? null;
    if (over !== held.over) {
      held.over?.classList.remove("over");
      over?.classList.add("over");
      held.over = over;
    }
  }

  function scroll() {
    if (!held?.ghost) return;
    const up = held.y < EDGE_PIXELS;
    const down = held.y > innerHeight - EDGE_PIXELS;
    if (up || down) {
      scrollBy({ top: up ? -SCROLL_PIXELS : SCROLL_PIXELS, behavior: "instant" });
      follow(held.x, held.y);
    }
    requestAnimationFrame(scroll);
  }

  function end() {
    if (!held) return;
    clearTimeout(held.timer);
    held.ghost?.remove();
    held.over?.classList.remove("over");
    document.documentElement.classList.remove("dragging");
    held = null;
  }
}
