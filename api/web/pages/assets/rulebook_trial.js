// A draft is tried, and put in force: what it will do is said before, how far it has come meanwhile, what came of it after.

import { el, say, useTexts } from "./rulebook_dom.js";
import { results } from "./rulebook_results.js";
import { stream } from "./rulebook_stream.js";

const root = document.getElementById("trial");
const boot = JSON.parse(document.getElementById("boot").textContent);
const ASK_AFTER_MS = 2000;
useTexts(boot.texts);
const at = (name) => root.querySelector(`[data-part="${name}"]`);
const whole = new Intl.NumberFormat(document.documentElement.lang);
let simulated = null;

function tell(message) {
  at("message").hidden = !message;
  at("message").textContent = message ?? "";
  if (message) at("message").focus();
}

function step({ stage, done, of }) {
  at("progress").hidden = false;
  const bar = at("progress").querySelector("progress");
  bar.max = of || 1;
  bar.value = done;
  at("progress").querySelector("span").textContent = say(stage, { done: whole.format(done), of: whole.format(of) });
}

function begins() {
  tell(null);
  at("progress").hidden = false;
  at("progress").querySelector("progress").removeAttribute("value");
  at("progress").querySelector("span").textContent = say("begins");
}

const BY_NAME = { closed: "closed", unavailable: "busy", "not-found": "gone", conflict: "draft_changed" };

function failed({ status, problem }) {
  if (status === 0) return say("offline");
  if (status === 401 || status === 403) return say("session_over");
  const name = BY_NAME[String(problem?.type ?? "").split("/").pop()];
  return problem?.message ?? (name ? say(name) : say("failed"));
}

// Trying -----------------------------------------------------------------------------------------------------------

async function simulate() {
  begins();
  at("simulate").disabled = true;
  const answer = await stream(root.dataset.simulate, {}, root.dataset.token, step);
  at("simulate").disabled = false;
  at("progress").hidden = true;
  if (!answer.result) {
    tell(answer.isCutOff ? say("cut_off_trial") : failed(answer));
    return;
  }
  simulated = answer.result;
  at("results").replaceChildren(...results(simulated, boot));
  at("results").hidden = false;
  at("results").focus();
}

// Putting in force ---------------------------------------------------------------------------------------------------

function wanted() {
  const form = new FormData(at("form"));
  return { isLater: form.get("when") === "later", from: form.get("from"), reEvaluate: form.get("re_evaluate") === "on" };
}

function consequences({ isLater, from, reEvaluate }) {
  const shownTime = isLater ? new Date(`${from}Z`).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" }) : "";
  const found = [isLater ? say("later_in_force", { time: shownTime }) : say("now_in_force")];
  if (!reEvaluate) found.push(say("stays"));
  else if (isLater) found.push(say("re_evaluates_later"));
  else if (simulated) found.push(say("re_evaluates", { n: whole.format(simulated.corrections) }));
  else found.push(say("re_evaluates_unknown"));
  if (boot.in_force) found.push(say("retires", { n: boot.in_force }));
  return [...found, say("not_undone")];
}

function ask(event) {
  event.preventDefault();
  const what = wanted();
  const isMissing = what.isLater && !what.from;
  const field = at("form").elements.from;
  const wrong = document.getElementById("from-fault");
  wrong.hidden = !isMissing;
  wrong.textContent = isMissing ? say("from_wrong") : "";
  field.toggleAttribute("aria-invalid", isMissing);
  if (isMissing) {
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", wrong.id);
    field.focus();
    return;
  }
  at("consequences").replaceChildren(...consequences(what).map((each) => el("li", {}, each)));
  at("confirm").returnValue = "";
  at("confirm").showModal();
}

async function activate() {
  const what = wanted();
  begins();
  setBusy(true);
  const body = { fingerprint: boot.fingerprint, from: what.isLater ? what.from : null, re_evaluate: what.reEvaluate };
  const answer = await stream(root.dataset.activate, body, root.dataset.token, step);
  at("progress").hidden = true;
  if (answer.result) {
    done(answer.result);
    return;
  }
  setBusy(false);
  tell(answer.isCutOff ? say("cut_off") : failed(answer));
  if (answer.isCutOff) follow();
}

function setBusy(isBusy) {
  for (const each of root.querySelectorAll("[data-part=form] button, [data-part=simulate]")) each.disabled = isBusy;
}

function done({ version, status, re_evaluation: reEvaluation }) {
  const found = [say(status === "scheduled" ? "is_scheduled" : "is_active", { n: version })];
  if (reEvaluation?.status === "done") {
    found.push(say("corrected", { n: whole.format(reEvaluation.corrections) }));
    if (reEvaluation.short) found.push(say("corrected_short", { n: whole.format(reEvaluation.short) }));
    if (reEvaluation.failures) found.push(say("corrected_failures", { n: whole.format(reEvaluation.failures) }));
  }
  for (const name of ["try", "activation", "results"]) at(name).hidden = true;
  at("done").replaceChildren(...found.map((each) => el("p", {}, each)), el("p", {}, el("a", { href: root.dataset.versions }, say("see_versions"))));
  at("done").hidden = false;
  at("done").focus();
  if (reEvaluation && reEvaluation.status !== "done") follow(reEvaluation);
}

// What another page, or this one before, has asked for -----------------------------------------------------------------

const SAYS = { running: "running", scheduled: "waits", done: "was_done" };

async function follow(last = null) {
  const found = last ?? (await ofServer());
  const name = found?.problem ? "ended" : SAYS[found?.status];
  at("last").hidden = !name;
  if (name) at("last").textContent = say(name, { version: found.version, n: whole.format(found.corrections), problem: found.problem });
  if (found === undefined || found?.status === "running") setTimeout(follow, ASK_AFTER_MS);
}

// undefined: not to be reached just now.
async function ofServer() {
  try {
    const answer = await fetch(root.dataset.reEvaluation, { headers: { Accept: "application/json" } });
    return answer.ok ? (await answer.json()).re_evaluation : undefined;
  } catch {
    return undefined;
  }
}

at("simulate")?.addEventListener("click", simulate);
at("form")?.addEventListener("submit", ask);
at("form")?.addEventListener("change", () => {
  at("from").hidden = !wanted().isLater;
});
at("confirm")?.addEventListener("close", () => {
  if (at("confirm").returnValue === "yes") activate();
});
if (boot.last) follow(boot.last);
