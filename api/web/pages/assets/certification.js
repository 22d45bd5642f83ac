// A certification run: how far it is, as it goes, and then what it came to; why, or why not, unfolded below a learner.

const PAUSE_MS = 1500;

const section = document.querySelector("[data-run]");
if (section) watch(section);

async function watch(section) {
  const { run, token } = section.dataset;
  const said = section.querySelector(".said-progress");
  const body = new URLSearchParams({ csrf: token });
  for (;;) {
    try {
      const answer = await fetch(run, { method: "POST", body, headers: { Accept: "application/x-ndjson" } });
      if (answer.status === 401 || answer.status === 403) {
        said.textContent = section.dataset.ended;
        return;
      }
      if (answer.ok && (await follow(answer.body, section, said))) break;
    } catch {
      // The connection: said below, and tried again.
    }
    said.textContent = section.dataset.lost;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await showResult();
}

// True once the run is over, whatever it came to.
async function follow(stream, section, said) {
  const bar = section.querySelector("progress");
  const shown = new Intl.NumberFormat(document.documentElement.lang);
  for await (const line of lines(stream)) {
    const step = JSON.parse(line);
    if ("result" in step) return true;
    if ("problem" in step) return false;
    bar.max = step.of || 1;
    bar.value = step.done;
    const form = step.stage === "issuing" ? section.dataset.issuing : section.dataset.evaluating;
    said.textContent = form.replace("{done}", shown.format(step.done)).replace("{all}", shown.format(step.of));
  }
  return false;
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts;
  }
}

// The page anew in the place of this one, so that whoever reads it out begins with what the run came to.
async function showResult() {
  const page = await loaded(location.href);
  if (!page) return location.reload();
  document.querySelector(".sheet").replaceWith(page.querySelector(".sheet"));
  const head = document.querySelector("#result") ?? document.querySelector(".sheet .fault, .sheet h1");
  head.tabIndex = -1;
  head.focus();
  listen();
}

async function loaded(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    return answer.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null;
  }
}

// --- why, or why not ---

listen();

function listen() {
  for (const link of document.querySelectorAll("a[data-unfolds]")) {
    link.setAttribute("role", "button");
    link.setAttribute("aria-expanded", "false");
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      unfold(link);
    });
    link.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      unfold(link);
    });
  }
}

async function unfold(link) {
  const row = link.closest("tr");
  const there = document.getElementById(link.dataset.unfolds);
  if (there) {
    there.hidden = !there.hidden;
    link.setAttribute("aria-expanded", String(!there.hidden));
    return;
  }
  if (link.getAttribute("aria-busy") === "true") return;
  link.setAttribute("aria-busy", "true");
  const why = (await loaded(link.href))?.getElementById("why");
  link.removeAttribute("aria-busy");
  const unfolded = row.ownerDocument.createElement("tr");
  unfolded.id = link.dataset.unfolds;
  unfolded.className = "unfolded";
  unfolded.setAttribute("role", "row");
  const cell = unfolded.insertCell();
  cell.setAttribute("role", "cell");
  cell.colSpan = row.cells.length;
  if (why) {
    why.removeAttribute("id");
    cell.append(why);
  } else {
    cell.textContent = link.closest("table").dataset.failed;
  }
  row.after(unfolded);
  link.setAttribute("aria-controls", unfolded.id);
  link.setAttribute("aria-expanded", "true");
}
