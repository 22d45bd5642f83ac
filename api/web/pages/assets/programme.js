// Rows of phases are added and taken away in place; without this script the buttons send the form for it.

const phases = document.querySelector("#phases");
const rows = phases.querySelector("[data-rows]");
let next = Number(phases.dataset.next);

phases.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches("[data-add]")) {
    event.preventDefault();
    add();
  } else if (button?.matches("[data-remove]")) {
    event.preventDefault();
    remove(button.closest("[data-phase]"));
  }
});

function add() {
  const row = phases.querySelector("template").content.firstElementChild.cloneNode(true);
  for (const element of [row, ...row.querySelectorAll("*")]) {
    for (const attribute of element.attributes) attribute.value = attribute.value.replace("0000", next);
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) node.data = node.data.replace("0000", rows.children.length + 1);
    }
  }
  next += 1;
  rows.append(row);
  row.querySelector("input").focus();
}

function remove(row) {
  const beside = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (beside?.querySelector("input") ?? phases.querySelector("[data-add]")).focus();
}
