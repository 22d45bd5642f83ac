// A button that prints: only where a script can do so.
for (const button of document.querySelectorAll("[data-prints]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// On paper there is nothing to open: how it is counted is printed with it.
addEventListener("beforeprint", () => document.querySelector(".counted")?.setAttribute("open", ""));
