// The card of a certificate: what it is, what it asks for, how long it is valid, and what it is equal to. And the
// conversion of flowers into credits.

import { criterion, newGroup } from "./rulebook_criteria.js";
import { choice, el, part, reshaped, row, say, textBox, tool } from "./rulebook_dom.js";
import { put, scaled, shown, typed, unscaled } from "./rulebook_document.js";
import { named } from "./rulebook_earning.js";

export const newCertificate = (key) => ({ key, kind: "points", name: { zh: "", en: "" }, criteria: newGroup() });

export function certificateBody(rule, path, ground) {
  const level = textBox({ label: say("level"), path: `${path}.level`, value: shown(rule.level), hint: say("level_hint"), write: (text) => put(rule, "level", text) });
  return [
    named(rule, path),
    row(
      choice({ label: say("kind"), path: `${path}.kind`, value: shown(rule.kind), options: ["points", "qualification"].map((each) => [each, say(`kind_${each}`)]), write: (to) => { rule.kind = to; } }),
      level,
      ...validity(rule, path)),
    part(say("criteria"), criterion(rule.criteria, `${path}.criteria`, ground)),
    part(say("equals"), ...equals(rule, path, ground)),
  ];
}

const SPANS = ["Y", "M", "W", "D"];

function validity(rule, path) {
  const found = /^P(.*)([YMWD])$/.exec(rule.valid_for ?? "");
  const isPlain = found && /^\d*$/.test(found[1]);
  const span = rule.valid_for === undefined || rule.valid_for === null ? "" : isPlain ? found[2] : "text";
  const change = (to) => {
    if (to === "") delete rule.valid_for;
    else rule.valid_for = to === "text" ? rule.valid_for ?? "P1Y6M" : `P${isPlain ? found[1] : "2"}${to}`;
  };
  const options = [["", say("valid_for_good")], ...SPANS.map((each) => [each, say(`valid_${each}`)]), ["text", say("valid_text")]];
  const chosen = choice({ label: say("valid_for"), path: `${path}/valid`, value: span, options, write: change, reshapes: true });
  if (span === "") return [chosen];
  const box = span === "text"
    ? textBox({ label: say("duration"), path: `${path}.valid_for`, value: rule.valid_for, code: true, hint: say("duration_hint"), write: (text) => { rule.valid_for = text.trim(); } })
    : textBox({ label: say("how_long"), path: `${path}.valid_for`, value: found[1], numeric: true, write: (text, control) => {
        rule.valid_for = `P${text.trim()}${span}`;
        control.dataset.instead = /^[1-9]\d*$/.test(text.trim()) ? "" : say("amount_wrong_from_one");
      } });
  return [chosen, box];
}

function equals(rule, path, ground) {
  const list = rule.equals ?? [];
  const items = list.map((each, index) => el("li", { "data-path": `${path}.equals[${index}]` },
    textBox({ label: say("system"), path: `${path}.equals[${index}].system`, value: shown(each.system), write: (text) => { each.system = text; } }),
    textBox({ label: say("level_there"), path: `${path}.equals[${index}].level`, value: shown(each.level), write: (text) => { each.level = text; } }),
    tool("remove", say("remove_equal"), `${path}.equals[${index}]/remove`, (event) => {
      list.splice(index, 1);
      if (!list.length) delete rule.equals;
      reshaped(event.currentTarget, `${path}.equals[${Math.min(index, list.length - 1)}]/remove`, `${path}.equals/add`);
    })));
  const add = el("button", { type: "button", class: "button small-button", "data-focus": `${path}.equals/add`, disabled: list.length >= ground.limits.equals, onclick: (event) => {
    rule.equals = [...list, { system: "", level: "" }];
    reshaped(event.currentTarget, `${path}.equals[${list.length}].system`);
  } }, say("add_equal"));
  return [el("p", { class: "hint" }, say("equals_hint")), el("ul", { class: "bands", "data-path": `${path}.equals` }, items), el("p", {}, add)];
}

export function conversionBody(document, ground) {
  const given = document.conversion;
  const path = "conversion";
  const change = (to) => {
    if (to === "no") delete document.conversion;
    else document.conversion = { flowers_per_credit: 5, round: "down", remainder: "expire" };
  };
  const chosen = choice({ label: say("convert"), path: `${path}/on`, value: given ? "yes" : "no", options: [["yes", say("convert_yes")], ["no", say("convert_no")]], write: change, reshapes: true });
  if (!given) return [row(chosen)];
  const number = (label, name, begins, hint) => textBox({ label: say(label), path: `${path}.${name}`, value: shown(given[name] ?? begins), numeric: true, hint, write: (text) => put(given, name, typed(text)) });
  const amount = (label, name, begins, hint) => textBox({ label: say(label), path: `${path}.${name}`, value: scaled(given[name] ?? begins, ground.scale), numeric: true, hint, write: (text) => put(given, name, unscaled(text, ground.scale)) });
  return [
    row(
      chosen,
      number("flowers_per_credit", "flowers_per_credit"),
      amount("credits_each", "credits", 1),
      choice({ label: say("rounding"), path: `${path}.round`, value: given.round ?? "down", options: ground.roundings.map((each) => [each, say(`round_${each}`)]), write: (to) => { given.round = to; } }),
      amount("cap_credits", "cap_credits", "", say("cap_credits_hint"))),
  ];
}
