// Finding people as one types, and choosing them by keyboard. Whoever is chosen stays, whatever is looked for next.

const people = document.querySelector(".people");
const search = document.querySelector("#q");
const team = document.querySelector("#team");
const nobody = document.querySelector("[data-none]");
const isWhole = people?.dataset.whole !== undefined;
const PAUSE_MS = 250; // between the last key and asking

const shown = () => [...people.children].filter((each) => !each.hidden);
const boxOf = (each) => each.querySelector("input");

// Among those who are here.
function narrow() {
  const wanted = search.value.trim().toLowerCase();
  for (const each of people.children) {
    const fits = each.dataset.find.toLowerCase().includes(wanted) && (!team?.value || each.dataset.team === team.value);
    each.hidden = !fits && !boxOf(each).checked;
  }
  nobody.hidden = shown().length > 0;
}

let asked = 0;
let timer;

// Among all, where they are too many for one page; without an answer, among those who are here.
async function look() {
  clearTimeout(timer);
  const turn = ++asked;
  const query = new URLSearchParams(new FormData(search.form));
  let found = null;
  try {
    const answer = await fetch(`${location.pathname}?${query}`, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) found = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch { /* no connection */ }
  if (turn !== asked) return;
  if (!found?.querySelector(".people")) return narrow();
  const chosen = [...people.children].filter((each) => boxOf(each).checked);
  const known = new Set(chosen.map((each) => boxOf(each).value));
  const others = [...found.querySelectorAll(".people > li")].filter((each) => !known.has(boxOf(each).value));
  people.replaceChildren(...chosen, ...others);
  for (const each of chosen) each.hidden = false;
  nobody.hidden = people.children.length > 0;
  document.querySelector("[data-found]").textContent = found.querySelector("[data-found]").textContent;
  history.replaceState(null, "", `?${query}`);
}

// Enter chooses the one who is left; with several it goes to the first.
function take() {
  const boxes = shown().map(boxOf).filter((box) => isWhole || !box.checked);
  if (boxes.length === 1) boxes[0].click();
  boxes[0]?.focus();
}

if (people) {
  const find = isWhole ? narrow : look;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    if (isWhole) narrow();
    else timer = setTimeout(look, PAUSE_MS);
  });
  team?.addEventListener("change", find);
  search.form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    await find();
    take();
  });
}
if (isWhole) {
  people.closest("form").addEventListener("change", (event) => {
    if (event.target.name === "learner" && !event.target.checked) narrow();
  });
}

// Enter on a person chooses, as the space bar does; it does not send the form.
document.querySelector("form.give")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[type=checkbox], [type=radio]")) return;
  event.preventDefault();
  event.target.click();
});
