// The card of an earning rule: for which events, when, how much of what, and within which limits.

import { OPERATORS, isComplete, literal, readFactor, readRows, shownLiteral, writeFactor, writeRows } from "./rulebook_cel.js";
import { choice, datalist, el, listed, part, reshaped, row, say, textBox, tool, written } from "./rulebook_dom.js";
import { isNumber, put, scaled, shown, typed, unscaled } from "./rulebook_document.js";

// How a card shows a part of a rule that could be shown in several ways, and what the other ways held.
const ways = new WeakMap();
const waysOf = (object) => {
  if (!ways.has(object)) ways.set(object, {});
  return ways.get(object);
};

export const newRule = (key) => ({ key, name: { zh: "", en: "" }, on: "", award: { unit: "credits", amount: 1 } });

export function earningBody(rule, path, ground) {
  const fields = datalist(ground.fieldsOf(rule.on));
  return [
    fields,
    named(rule, path),
    kind(rule, path, ground),
    part(say("condition"), ...condition(rule, `${path}.when`, fields.id)),
    part(say("award"), ...award(rule.award, `${path}.award`, ground, fields.id)),
    part(say("limits"), ...limits(rule, path, ground)),
  ];
}

export function named(rule, path) {
  const write = (language) => (text) => {
    const name = { ...(rule.name ?? {}), [language]: text };
    if (name.zh === "" && name.en === "") delete rule.name;
    else rule.name = name;
  };
  const box = (language) => textBox({
    label: say(`name_${language}`), path: `${path}.name.${language}`, value: shown(rule.name?.[language]), write: write(language),
  });
  const first = pageLanguage === "zh" ? ["zh", "en"] : ["en", "zh"];
  return row(...first.map(box),
    textBox({ label: say("key"), path: `${path}.key`, value: shown(rule.key), write: (text) => { rule.key = text; }, hint: say("key_hint"), code: true }));
}

let pageLanguage = "zh";
export const useLanguage = (language) => {
  pageLanguage = language;
};

function kind(rule, path, ground) {
  const kinds = datalist(ground.kinds.map((each) => [each.type, say("received", { n: each.events })]));
  const box = textBox({
    label: say("event_type"), path: `${path}.on`, value: shown(rule.on), list: kinds.id, code: true,
    hint: say(ground.kinds.length ? "event_type_hint" : "event_type_hint_none"),
    write: (text) => { rule.on = text.trim(); },
  });
  box.querySelector("input").addEventListener("change", (event) => reshaped(event.target, `${path}.on`));
  return el("div", {}, kinds, box, examples(rule, ground));
}

// What is in the events of the type that really come.
function examples(rule, ground) {
  const found = ground.kinds.find((each) => each.type === rule.on);
  const fields = Object.entries(found?.fields ?? {}).filter(([name]) => name !== "programme");
  if (!fields.length) return null;
  return el("details", { class: "examples" },
    el("summary", {}, say("fields_of_events", { n: found.events })),
    el("dl", {}, ...fields.map(([name, values]) => el("div", {}, el("dt", { class: "code" }, name),
      el("dd", {}, el("bdi", {}, listed(values.map((each) => shown(each)))))))));
}

// When ---------------------------------------------------------------------------------------------------------

function condition(rule, path, list) {
  const way = waysOf(rule);
  const text = rule.when;
  const rows = typeof text === "string" ? readRows(text) : null;
  way.when ??= {};
  const form = text === undefined || text === null ? "always" : rows && way.when.form !== "text" ? "rows" : "text";
  const change = (to) => {
    if (form !== "always") way.when.text = text;
    way.when.form = to;
    if (to === "always") delete rule.when;
    else if (to === "text") rule.when = way.when.text ?? "";
    else rule.when = way.when.text && readRows(way.when.text) ? way.when.text : writeRows({ joint: "&&", rows: [{ field: "", operator: ">=", value: "" }] });
  };
  const options = [["always", say("when_always")], ["rows", say("when_rows")], ["text", say("when_text")]];
  const chosen = choice({ label: say("when"), path: `${path}/form`, value: form, options, write: change, reshapes: true });
  if (form === "always") return [chosen];
  if (form === "rows") return [chosen, ...rowsOf(rule, path, rows, list)];
  return [chosen, textBox({ label: say("expression"), path, value: shown(text), lines: 2, code: true, hint: say("expression_hint"), write: (typedText) => { rule.when = typedText; } })];
}

function rowsOf(rule, path, read, list) {
  const store = (from) => {
    rule.when = writeRows(read);
    const group = from.closest(".conditions");
    group.dataset.instead = read.rows.every(isComplete) ? "" : say("row_incomplete");
    written(from);
  };
  const reshape = (from, ...focus) => {
    rule.when = writeRows(read);
    reshaped(from, ...focus);
  };
  const group = el("ul", {
    class: "conditions", "data-path": path, "data-instead": read.rows.every(isComplete) ? "" : say("row_incomplete"),
  }, read.rows.map((each, index) => conditionRow(each, index, { read, path, list, store, reshape })));
  const add = el("button", { type: "button", class: "button small-button", "data-focus": `${path}/add`, onclick: (event) => {
    read.rows.push({ field: "", operator: ">=", value: "" });
    reshape(event.currentTarget, `${path}/${read.rows.length - 1}/field`);
  } }, say("add_condition"));
  const joint = read.rows.length < 2 ? null : choice({
    label: say("joint"), path: `${path}/joint`, value: read.joint, options: [["&&", say("joint_all")], ["||", say("joint_any")]],
    write: (to) => { read.joint = to; rule.when = writeRows(read); },
  });
  return [joint, group, el("p", {}, add)];
}

function conditionRow(each, index, { read, path, list, store, reshape }) {
  const name = `${path}/${index}`;
  const field = el("input", { type: "text", list, class: "code", autocomplete: "off", "aria-label": say("field_of_event"), "data-focus": `${name}/field`, oninput: (event) => {
    each.field = event.target.value.trim().replace(/^data\./, "").replace(/\W/g, "");
    store(event.target);
  } });
  field.value = each.field;
  const operator = el("select", { "aria-label": say("comparison"), "data-focus": `${name}/operator`, onchange: (event) => {
    const bare = shownLiteral(each.value, each.operator);
    each.operator = event.target.value;
    each.value = each.operator === "has" ? "" : literal(bare, each.operator);
    reshape(event.target, `${name}/operator`);
  } }, OPERATORS.map((op) => el("option", { value: op }, say(`op_${op}`))));
  operator.value = each.operator;
  const value = each.operator === "has" ? el("span") : el("input", { type: "text", autocomplete: "off", "aria-label": say("value"), "data-focus": `${name}/value`, oninput: (event) => {
    each.value = literal(event.target.value, each.operator);
    store(event.target);
  } });
  if (each.operator !== "has") value.value = shownLiteral(each.value, each.operator);
  const remove = tool("remove", say("remove_condition"), `${name}/remove`, (event) => {
    read.rows.splice(index, 1);
    if (read.rows.length) reshape(event.currentTarget, `${path}/${Math.min(index, read.rows.length - 1)}/remove`, `${path}/add`);
    else reshape(event.currentTarget, `${path}/add`);
  }, { disabled: read.rows.length < 2 });
  return el("li", {}, field, operator, value, remove);
}

// How much of what -----------------------------------------------------------------------------------------------

function formOf(award, way) {
  if ("bands" in award || "by" in award) return "bands";
  if (typeof award.amount !== "string" || way.form === "fixed") return "fixed";
  return readFactor(award.amount) && way.form !== "formula" ? "factor" : "formula";
}

const BEGINS = {
  fixed: { amount: 1 },
  factor: { amount: "data." },
  bands: { by: "data.", bands: [{ at_least: 60, amount: 1 }] },
  formula: { amount: "" },
};

function award(given, path, ground, list) {
  const way = waysOf(given);
  const form = formOf(given, way);
  const change = (to) => {
    way[form] = { amount: given.amount, by: given.by, bands: given.bands };
    way.form = to;
    const next = way[to] ?? structuredClone(BEGINS[to]);
    for (const name of ["amount", "by", "bands"]) put(given, name, next[name]);
    if (to === "formula" && given.amount === undefined) given.amount = "";
  };
  const scale = given.unit === "credits" ? ground.scale : 0;
  const forms = ["fixed", "factor", "bands", "formula"].map((each) => [each, say(`amount_${each}`)]);
  const chosen = row(
    choice({ label: say("unit"), path: `${path}.unit`, value: shown(given.unit), options: [["credits", say("unit_credits")], ["flowers", say("unit_flowers")]], reshapes: true, hint: say("unit_hint"), write: (to) => { given.unit = to; } }),
    choice({ label: say("how_much"), path: `${path}/form`, value: form, options: forms, reshapes: true, write: change }));
  const make = { fixed: fixed, factor: byFactor, bands: byBands, formula: byFormula }[form];
  return [chosen, ...make(given, path, scale, list, ground)];
}

function fixed(given, path, scale) {
  const check = (control) => {
    control.dataset.instead = isNumber(given.amount) ? "" : say("amount_wrong");
  };
  const box = textBox({ label: say("amount"), path: `${path}.amount`, value: scaled(given.amount, scale), numeric: true, write: (text, control) => {
    given.amount = unscaled(text, scale);
    check(control);
  } });
  check(box.querySelector("input"));
  return [row(box)];
}

function byFactor(given, path, scale, list, ground) {
  const read = readFactor(given.amount);
  const store = (control) => {
    given.amount = writeFactor(read);
    control.closest(".row").dataset.instead = read.field && /^\d+(\.\d+)?$/.test(read.factor) ? "" : say("factor_wrong");
  };
  const field = textBox({ label: say("field_of_event"), path: `${path}/field`, value: read.field, list, code: true, write: (text, control) => {
    read.field = text.trim().replace(/^data\./, "").replace(/\W/g, "");
    store(control);
  } });
  const factor = textBox({ label: say("factor"), path: `${path}/factor`, value: read.factor, numeric: true, hint: scale ? say("smallest_part", { n: 10 ** scale }) : null, write: (text, control) => {
    read.factor = text.trim();
    store(control);
  } });
  const both = row(field, factor, rounding(given, path, ground));
  both.dataset.path = `${path}.amount`;
  both.dataset.instead = read.field && /^\d+(\.\d+)?$/.test(read.factor) ? "" : say("factor_wrong");
  return [both];
}

function byFormula(given, path, scale, list, ground) {
  return [
    textBox({ label: say("formula"), path: `${path}.amount`, value: shown(given.amount), lines: 2, code: true, hint: `${say("formula_hint")}${scale ? ` ${say("smallest_part", { n: 10 ** scale })}` : ""}`, write: (text) => { given.amount = text; } }),
    row(rounding(given, path, ground)),
  ];
}

const rounding = (given, path, ground) => choice({
  label: say("rounding"), path: `${path}.round`, value: given.round ?? "half_up", options: ground.roundings.map((each) => [each, say(`round_${each}`)]), write: (to) => { given.round = to; },
});

function byBands(given, path, scale, list, ground) {
  const alone = /^data\.([A-Za-z_]\w*|)$/.exec(given.by ?? "");
  const by = alone
    ? textBox({ label: say("bands_by"), path: `${path}.by`, value: alone[1], list, code: true, write: (text) => { given.by = `data.${text.trim().replace(/^data\./, "")}`; } })
    : textBox({ label: say("bands_by_formula"), path: `${path}.by`, value: shown(given.by), code: true, write: (text) => { given.by = text; } });
  given.bands ??= [];
  const items = given.bands.map((band, index) => el("li", { "data-path": `${path}.bands[${index}]` },
    textBox({ label: say("from"), path: `${path}.bands[${index}].at_least`, value: shown(band.at_least), numeric: true, write: (text) => { band.at_least = typed(text); } }),
    textBox({ label: say("amount"), path: `${path}.bands[${index}].amount`, value: scaled(band.amount, scale), numeric: true, write: (text) => { band.amount = unscaled(text, scale); } }),
    tool("remove", say("remove_band"), `${path}.bands[${index}]/remove`, (event) => {
      given.bands.splice(index, 1);
      reshaped(event.currentTarget, `${path}.bands[${Math.min(index, given.bands.length - 1)}]/remove`, `${path}.bands/add`);
    }, { disabled: given.bands.length < 2 })));
  const add = el("button", { type: "button", class: "button small-button", "data-focus": `${path}.bands/add`, disabled: given.bands.length >= ground.limits.bands, onclick: (event) => {
    const last = given.bands.at(-1) ?? { at_least: 0, amount: 0 };
    given.bands.push({ at_least: Number(shown(last.at_least)) + 10 || 0, amount: last.amount });
    reshaped(event.currentTarget, `${path}.bands[${given.bands.length - 1}].at_least`);
  } }, say("add_band"));
  return [row(by), el("ol", { class: "bands", "data-path": `${path}.bands` }, items), el("p", {}, add)];
}

// Limits -----------------------------------------------------------------------------------------------------------

function limits(rule, path, ground) {
  const scale = rule.award.unit === "credits" ? ground.scale : 0;
  const way = waysOf(rule);
  const cap = choice({
    label: say("cap"), path: `${path}.cap.within`, value: rule.cap ? shown(rule.cap.within) : "", reshapes: true,
    options: [["", say("cap_none")], ...ground.periods.map((each) => [each, say(`cap_${each}`)])],
    write: (to) => {
      if (rule.cap) way.cap = rule.cap;
      if (to === "") delete rule.cap;
      else rule.cap = { per: "learner", amount: 10, ...way.cap, within: to };
    },
  });
  const most = rule.cap ? textBox({ label: say("cap_amount"), path: `${path}.cap.amount`, value: scaled(rule.cap.amount, scale), numeric: true, write: (text) => { rule.cap.amount = unscaled(text, scale); } }) : null;
  const first = textBox({ label: say("first"), path: `${path}.first`, value: shown(rule.first), numeric: true, hint: say("first_hint"), write: (text) => put(rule, "first", typed(text)) });
  return [row(cap, most, first)];
}
