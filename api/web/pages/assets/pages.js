// What all pages have in common beyond HTML: a form that is on its way shows it, and is not sent twice.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return; // a script of the page sends it
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  if (form.method === "post") form.setAttribute("aria-busy", "true");
  if (form.matches("[data-shows-progress]")) form.querySelector(".progress").hidden = false;
});

// A page that the browser kept, and shows again after "back", is not on its way to anywhere.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
  for (const shown of document.querySelectorAll("form[data-shows-progress] .progress")) shown.hidden = true;
});

// Selects that choose what the page shows, without a further press.
for (const select of document.querySelectorAll("form[data-sends-itself] select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// What a form was refused for, or what was done, is where reading goes on.
document.querySelector("[data-takes-focus]")?.focus();

// What a page kept for times without a connection is not for whoever comes next.
for (const form of document.querySelectorAll("form[data-leaves]")) {
  form.addEventListener("submit", () => window.caches?.delete("award"));
}

// Where one is, is seen in each row of ways, also where the row is longer than the screen is wide. (scrollIntoView would
// also have the keyboard begin there.)
for (const here of document.querySelectorAll("nav [aria-current], .tabs [aria-current]")) {
  let row = here.parentElement;
  while (row && getComputedStyle(row).overflowX !== "auto") row = row.parentElement;
  if (!row) continue;
  const [place, whole] = [here.getBoundingClientRect(), row.getBoundingClientRect()];
  row.scrollLeft += place.left - whole.left - (whole.width - place.width) / 2;
}
