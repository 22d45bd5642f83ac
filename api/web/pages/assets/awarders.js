// One press chooses everybody of the table, or nobody.

const all = document.querySelector("[data-all]");
if (all) {
  const boxes = [...document.querySelectorAll("input[name='awarder']")];
  const box = all.querySelector("input");
  const show = () => {
    const chosen = boxes.filter((each) => each.checked).length;
    box.checked = chosen === boxes.length;
    box.indeterminate = chosen > 0 && chosen < boxes.length;
  };
  all.hidden = false;
  box.addEventListener("change", () => {
    for (const each of boxes) each.checked = box.checked;
  });
  for (const each of boxes) each.addEventListener("change", show);
  show();
}
