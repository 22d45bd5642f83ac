// Dialogs: a button with `data-opens="id"` opens one, `data-closes` within it closes it; `data-open` is open at once.

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
});

document.querySelector("dialog[data-open]")?.showModal();
