// What a certificate asks for, as a tree: groups of which all, any or some have to hold, and facts with their fields.

import { choice, datalist, el, reshaped, row, say, textBox, tool } from "./rulebook_dom.js";
import { copy, put, scaled, shown, typed, unscaled } from "./rulebook_document.js";

export const newGroup = () => ({ all: [newFact("credits")] });
const newFact = (fact) => ({ fact, ...(fact === "credits" ? { in: "programme", at_least: 100 } : {}) });

const opOf = (node) => ["all", "any", "not"].find((op) => op in node) ?? "at_least";
const memberOf = (op) => (op === "at_least" ? "of" : op);
const partsOf = (node) => {
  const op = opOf(node);
  return op === "not" ? [node.not] : node[memberOf(op)];
};

function make(node, content) {
  for (const name of Object.keys(node)) delete node[name];
  Object.assign(node, content);
}

// `place`: how the node stands in what is around it: `remove`, `move`, and how many are beside it.
export function criterion(node, path, ground, depth = 1, place = null) {
  const body = "fact" in node ? fact(node, path, ground) : group(node, path, ground, depth);
  const item = el("div", { class: "fact" in node ? "criterion fact" : "criterion group", "data-path": path }, body, tools(node, path, ground, depth, place));
  return item;
}

function tools(node, path, ground, depth, place) {
  const inner = "fact" in node ? node : null;
  const wrap = inner && depth < ground.limits.depth
    ? tool("group", say("wrap"), `${path}/wrap`, (event) => {
        make(node, { all: [copy(node)] });
        reshaped(event.currentTarget, `${path}/op`);
      })
    : null;
  if (!place) return el("div", { class: "tools" }, wrap);
  return el("div", { class: "tools" },
    tool("up", say("move_up"), `${path}/up`, (event) => place.move(-1, event.currentTarget), { disabled: place.index === 0 }),
    tool("down", say("move_down"), `${path}/down`, (event) => place.move(1, event.currentTarget), { disabled: place.index === place.size - 1 }),
    wrap,
    tool("copy", say("duplicate"), `${path}/copy`, (event) => place.duplicate(event.currentTarget), { disabled: place.isFull }),
    tool("remove", say("remove"), `${path}/remove`, (event) => place.remove(event.currentTarget), { disabled: place.size < 2 }));
}

function group(node, path, ground, depth) {
  const op = opOf(node);
  const parts = partsOf(node);
  const inside = `${path}.${memberOf(op)}`;
  const change = (to) => {
    if (to === "not") make(node, { not: parts.length === 1 ? parts[0] : { all: parts } });
    else if (to === "at_least") make(node, { at_least: Math.min(2, parts.length), of: parts });
    else make(node, { [to]: parts });
  };
  const options = ["all", "any", "at_least", "not"].map((each) => [each, say(`op_of_${each}`)]);
  const chosen = choice({ label: say("group"), path: `${path}/op`, value: op, options, write: change, reshapes: true });
  const count = op !== "at_least" ? null : textBox({
    label: say("how_many", { n: parts.length }), path: `${path}.at_least`, value: shown(node.at_least), numeric: true, write: (text) => { node.at_least = typed(text); },
  });
  const list = el("ul", { class: "criteria", "data-path": inside }, parts.map((each, index) => el("li", {},
    criterion(each, op === "not" ? inside : `${inside}[${index}]`, ground, depth + 1, op === "not" ? null : placeOf(parts, index, inside, ground)))));
  return el("div", { class: "node" }, row(chosen, count), list, op === "not" ? null : adders(parts, inside, ground, depth));
}

function placeOf(parts, index, inside, ground) {
  return {
    index,
    size: parts.length,
    isFull: parts.length >= ground.limits.criteria,
    move(by, from) {
      const [moved] = parts.splice(index, 1);
      parts.splice(index + by, 0, moved);
      const now = `${inside}[${index + by}]`;
      reshaped(from, `${now}/${by < 0 ? "up" : "down"}`, `${now}/${by < 0 ? "down" : "up"}`);
    },
    duplicate(from) {
      parts.splice(index + 1, 0, copy(parts[index]));
      reshaped(from, `${inside}[${index + 1}]/copy`);
    },
    remove(from) {
      parts.splice(index, 1);
      reshaped(from, `${inside}[${Math.min(index, parts.length - 1)}]/remove`, `${inside}/add`);
    },
  };
}

function adders(parts, inside, ground, depth) {
  const isFull = parts.length >= ground.limits.criteria;
  const add = (name, what, focus, isPossible) => el("button", { type: "button", class: "button small-button", "data-focus": name, disabled: isFull || !isPossible, onclick: (event) => {
    parts.push(what());
    reshaped(event.currentTarget, `${inside}[${parts.length - 1}]/${focus}`);
  } }, say(focus === "op" ? "add_group" : "add_criterion"));
  return el("p", { class: "adders" },
    add(`${inside}/add`, () => newFact("credits"), "fact", depth < ground.limits.depth),
    add(`${inside}/add-group`, () => ({ any: [newFact("credits")] }), "op", depth + 1 < ground.limits.depth));
}

// Facts ------------------------------------------------------------------------------------------------------------

function fact(node, path, ground) {
  const facts = Object.keys(ground.facts);
  const known = ground.facts[node.fact]?.members ?? [];
  const change = (to) => {
    const { members, scopes, defaults } = ground.facts[to];
    const next = { fact: to, ...defaults };
    if (scopes[0] === "course" && to !== "award") next.in = `course:${ground.courses[0]?.[0] ?? ""}`;
    if (to === "certificate") next.key = ground.certificates()[0]?.[0] ?? "";
    for (const name of ["in", "type"]) {
      if (members.includes(name) && node[name] !== undefined && (name !== "in" || scopes.includes(String(node.in).split(":")[0]))) next[name] = node[name];
    }
    make(node, next);
  };
  const chosen = choice({ label: say("fact"), path: `${path}/fact`, value: node.fact, options: facts.map((each) => [each, say(`fact_${each}`)]), write: change, reshapes: true });
  const boxes = known.map((name) => (MEMBERS[name] ?? other)(node, `${path}.${name}`, name, ground));
  return el("div", { class: "node" }, row(chosen, ...boxes));
}

const other = (node, path, name) => textBox({ label: name, path, value: shown(node[name]), write: (text) => put(node, name, typed(text)) });

const optional = (options) => [["", say("any")], ...options];

const MEMBERS = {
  in: (node, path, name, ground) => {
    const scopes = ground.facts[node.fact].scopes.flatMap((kind) => {
      if (kind === "course") return ground.courses.map(([key, says]) => [`course:${key}`, say("in_course", { name: says })]);
      if (kind === "phase") return ground.phases.map(([key, says]) => [`phase:${key}`, say("in_phase", { name: says })]);
      return [[kind, say(`in_${kind}`)]];
    });
    const isOptional = ["award", "events"].includes(node.fact);
    return choice({ label: say("where"), path, value: node.in ?? (isOptional ? "programme" : ""), options: scopes, write: (to) => { node.in = to; } });
  },
  at_least: (node, path, name, ground) => {
    const scale = node.fact === "credits" ? ground.scale : 0;
    const label = node.fact === "passed" ? "least_score" : node.fact === "attendance" ? "least_percent" : node.sum !== undefined ? "least_sum" : `least_${node.fact}`;
    return textBox({
      label: say(label), path, value: scaled(node.at_least, scale), numeric: true, hint: node.fact === "passed" ? say("least_score_hint") : null,
      write: (text) => put(node, "at_least", unscaled(text, scale)),
    });
  },
  at_most: (node, path) => textBox({ label: say("best_rank"), path, value: shown(node.at_most), numeric: true, write: (text) => put(node, "at_most", typed(text)) }),
  type: (node, path, name, ground) => {
    const kinds = datalist(ground.kinds.map((each) => [each.type, say("received", { n: each.events })]));
    const hint = node.fact === "attendance" ? say("attendance_type_hint") : node.fact === "passed" ? say("passed_type_hint") : null;
    return el("div", {}, kinds, textBox({ label: say("event_type"), path, value: shown(node.type), list: kinds.id, code: true, hint, write: (text) => put(node, "type", text.trim()) }));
  },
  role: (node, path, name, ground) => choice({ label: say("role"), path, value: shown(node.role), options: optional(ground.roles.map((each) => [each, say(`role_${each}`)])), write: (to) => put(node, "role", to) }),
  unit: (node, path, name, ground) => choice({ label: say("by_unit"), path, value: node.unit ?? "credits", options: ground.units.map((each) => [each, say(`unit_${each}`)]), write: (to) => { node.unit = to; } }),
  score: (node, path, name, ground) => choice({ label: say("by_score"), path, value: node.score ?? "sum", options: ground.scores.map((each) => [each, say(`score_${each}`)]), write: (to) => { node.score = to; } }),
  sum: (node, path, name, ground) => {
    const fields = datalist(ground.fieldsOf(node.type));
    return el("div", {}, fields, textBox({ label: say("sum_of"), path, value: shown(node.sum), list: fields.id, code: true, hint: say("sum_of_hint"), write: (text) => put(node, "sum", text.trim()) }));
  },
  key: (node, path, name, ground) => node.fact === "certificate"
    ? choice({ label: say("certificate"), path, value: shown(node.key), options: ground.certificates(), write: (to) => { node.key = to; } })
    : textBox({ label: say("match"), path, value: shown(node.key), code: true, hint: say("match_hint"), write: (text) => put(node, "key", text.trim()) }),
};
