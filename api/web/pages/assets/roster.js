// Rosters: a file that is dropped or too large is said before it is sent, and long work shows how far it has come.

const NDJSON = "application/x-ndjson";

// --- the file ---

const upload = document.querySelector("[data-upload]");
if (upload) {
  const drop = upload.querySelector(".drop");
  const input = upload.querySelector("input[type=file]");
  const fault = document.getElementById("file-fault");

  const look = () => {
    const [file] = input.files;
    const isTooLarge = Boolean(file) && file.size > Number(upload.dataset.most);
    fault.textContent = isTooLarge ? upload.dataset.tooLarge : "";
    fault.hidden = !isTooLarge;
    input.toggleAttribute("aria-invalid", isTooLarge);
    if (isTooLarge) input.setAttribute("aria-invalid", "true");
    input.setCustomValidity(isTooLarge ? upload.dataset.tooLarge : "");
  };
  input.addEventListener("change", look);

  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    look();
    input.focus();
  });
}

// --- long work ---

async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const found = (rest + value).split("\n");
    rest = found.pop();
    for (const line of found) if (line) yield JSON.parse(line);
  }
  if (rest) yield JSON.parse(rest);
}

function show(form, step) {
  const bar = form.querySelector("progress");
  bar.max = step.of || 1;
  bar.value = step.done;
  const percent = Math.floor((100 * step.done) / (step.of || 1));
  const text = `${form.dataset[step.stage] ?? ""} ${percent} %`;
  const says = form.querySelector("[data-says]");
  if (says.textContent !== text) says.textContent = text;
}

function fail(form, text) {
  const fault = form.querySelector("[data-fault]");
  fault.textContent = text;
  fault.hidden = false;
  form.querySelector(".progress").hidden = true;
  form.removeAttribute("aria-busy");
}

async function run(form) {
  form.querySelector("[data-fault]").hidden = true;
  form.querySelector(".progress").hidden = false;
  let answer = null;
  const response = await fetch(form.action, {
    method: "POST",
    body: new FormData(form),
    headers: { Accept: NDJSON },
    credentials: "same-origin",
  });
  if (!response.headers.get("Content-Type")?.startsWith(NDJSON)) {
    if (response.ok || response.status === 401) return location.reload();
    return fail(form, form.dataset.failed);
  }
  for await (const line of lines(response)) {
    if (line.stage) show(form, line);
    else answer = line;
  }
  if (answer?.result?.fault) return fail(form, answer.result.fault);
  if (answer?.result) return location.assign(answer.result.address);
  return fail(form, form.dataset.failed);
}

for (const form of document.querySelectorAll("form[data-steps]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    run(form).catch(() => fail(form, form.dataset.failed));
  });
  if ("begins" in form.dataset) form.requestSubmit();
}
