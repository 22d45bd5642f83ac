// Keys and access: what is shown once is copied, and not asked for again by a reload; a form with a board shows it.

// The answer to a form that made something: loading it again must show the list, and make nothing.
const once = document.querySelector("[data-shown-once]");
if (once) history.replaceState(null, "", once.dataset.shownOnce);

for (const button of document.querySelectorAll("[data-copies]")) {
  const label = button.textContent;
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = label), 2_000);
  });
}

/** A widget as on another page; its lines go to where `base` is. */
function board(base, query, limit, token) {
  const element = document.createElement("points-leaderboard");
  element.setAttribute("src", new URL(base, location.href).href);
  element.setAttribute("board", query);
  element.setAttribute("limit", limit);
  element.setAttribute("token", token);
  return element;
}

for (const place of document.querySelectorAll("[data-board]")) {
  const { board: query, limit, token } = place.dataset;
  place.append(board("/", query, limit, token));
}

const form = document.querySelector("form[data-previews]");
if (form) {
  const place = document.querySelector("[data-preview]");
  const fault = document.querySelector("[data-preview-fault]");
  const base = place.dataset.preview.replace(/v1\/leaderboards$/, "");
  const parts = ["scope", "unit", "members", "score", "period", "first", "last", "limit"];
  let turn = 0;

  const bounds = () => {
    const between = form.elements.period.value === "between";
    for (const each of form.querySelectorAll(".between")) each.hidden = !between;
  };
  const show = async () => {
    bounds();
    const mine = ++turn;
    const query = new URLSearchParams(parts.map((name) => [name, form.elements[name].value]));
    const answer = await fetch(`${form.dataset.previews}?${query}`, { headers: { Accept: "application/json" } });
    if (mine !== turn) return;
    const found = answer.ok ? await answer.json() : null;
    fault.hidden = Boolean(found);
    place.replaceChildren(...(found ? [board(base, found.board, found.limit, "preview")] : []));
  };
  for (const name of parts) form.elements[name].addEventListener("change", () => show().catch(() => {}));
  show().catch(() => {});
}

// Whom a user is in the directory is asked for where the role has it.
const roles = document.querySelectorAll("[data-role]");
const show = (part, is) => {
  part.hidden = !is;
  for (const input of part.querySelectorAll("input")) input.disabled = !is; // what is not seen is not sent
};
const follow = () => {
  for (const role of roles) {
    for (const each of document.querySelectorAll(`.of-${role.dataset.role}`)) show(each, role.checked);
  }
};
for (const role of roles) role.addEventListener("change", follow);
follow();
