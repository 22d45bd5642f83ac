// Finding people as one types, and choosing them by keyboard.

const people = document.querySelector(".people");
const search = document.querySelector("#q");
const team = document.querySelector("#team");
const nobody = document.querySelector("[data-none]");
const isWhole = people?.dataset.whole !== undefined;

const shown = () => [...people.children].filter((each) => !each.hidden);

function narrow() {
  const wanted = search.value.trim().toLowerCase();
  for (const each of people.children) {
    const fits = each.dataset.find.toLowerCase().includes(wanted) && (!team?.value || each.dataset.team === team.value);
    each.hidden = !fits && !each.querySelector(":checked");
  }
  nobody.hidden = shown().length > 0;
}

if (isWhole) {
  search.addEventListener("input", narrow);
  team?.addEventListener("change", narrow);
  people.closest("form").addEventListener("change", (event) => {
    if (event.target.name === "learner" && !event.target.checked) narrow();
  });
  // Enter chooses the one who is left; with several it goes to the first.
  search.form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const boxes = shown().map((each) => each.querySelector("input"));
    if (boxes.length === 1) boxes[0].click();
    boxes[0]?.focus();
  });
} else if (team) {
  team.addEventListener("change", () => team.form.requestSubmit());
}

// Enter on a person chooses, as the space bar does; it does not send the form.
document.querySelector("form.give")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[type=checkbox], [type=radio]")) return;
  event.preventDefault();
  event.target.click();
});
