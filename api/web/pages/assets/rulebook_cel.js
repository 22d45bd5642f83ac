// Expressions of the forms that cards show as rows. Each form writes back, to the letter, what it was read from; what
// is of no such form is shown as text. A field or a value that is still to be typed is empty.

const NAME = "([A-Za-z_]\\w*|)";
const LITERAL = "(-?\\d+(?:\\.\\d+)?|true|false|'(?:[^'\\\\]|\\\\['\\\\])*'|)";
const FORMS = [
  [new RegExp(`data\\.${NAME} (==|!=|>=|>|<=|<) ${LITERAL}`, "y"), ([, field, operator, value]) => ({ field, operator, value })],
  [new RegExp(`data\\.${NAME}\\.(contains|startsWith)\\(('(?:[^'\\\\]|\\\\['\\\\])*'|)\\)`, "y"), ([, field, operator, value]) => ({ field, operator, value })],
  [new RegExp(`has\\(data\\.${NAME}\\)`, "y"), ([, field]) => ({ field, operator: "has", value: "" })],
];

export const OPERATORS = ["==", "!=", ">=", ">", "<=", "<", "contains", "startsWith", "has"];
const IN_TEXT = ["contains", "startsWith"];

const writeRow = ({ field, operator, value }) => {
  if (operator === "has") return `has(data.${field})`;
  return IN_TEXT.includes(operator) ? `data.${field}.${operator}(${value})` : `data.${field} ${operator} ${value}`;
};

export const writeRows = ({ joint, rows }) => rows.map(writeRow).join(` ${joint} `);

function readRow(text, at) {
  for (const [form, made] of FORMS) {
    form.lastIndex = at;
    const found = form.exec(text);
    if (found) return { row: made(found), end: form.lastIndex };
  }
  return null;
}

// `joint` is && or ||; null if the text is of another form.
export function readRows(text) {
  const rows = [];
  let joint = null;
  for (let at = 0; ;) {
    const found = readRow(text, at);
    if (!found) return null;
    rows.push(found.row);
    if (found.end === text.length) break;
    const next = / (&&|\|\|) /y;
    next.lastIndex = found.end;
    const between = next.exec(text);
    if (!between || (joint && joint !== between[1])) return null;
    joint = between[1];
    at = next.lastIndex;
  }
  const read = { joint: joint ?? "&&", rows };
  return writeRows(read) === text ? read : null;
}

export const isComplete = ({ field, operator, value }) => field !== "" && (operator === "has" || value !== "");

const quoted = (text) => `'${text.replace(/[\\']/g, "\\$&")}'`;
const PLAIN = /^(-?\d+(\.\d+)?|true|false)$/;
const QUOTED = /^'(?:[^'\\]|\\['\\])*'$/;

// What was typed, as a literal: numbers and true, false as they are; the rest is text, in quotes.
export function literal(typed, operator) {
  const text = typed.trim();
  if (text === "" || QUOTED.test(text)) return text;
  return PLAIN.test(text) && !IN_TEXT.includes(operator) ? text : quoted(text);
}

// As a field shows it: without its quotes, unless they are what tells it from a number.
export function shownLiteral(value, operator) {
  if (!QUOTED.test(value)) return value;
  const bare = value.slice(1, -1).replace(/\\(.)/g, "$1");
  return literal(bare, operator) === value ? bare : value;
}

// An amount as a factor of a field: double(data.hours) * 2.0; with the factor 1 the field alone.
export const writeFactor = ({ field, factor }) => {
  if (factor === "1") return `data.${field}`;
  return `double(data.${field}) * ${/^\d+$/.test(factor) ? `${factor}.0` : factor}`;
};

export function readFactor(text) {
  const alone = new RegExp(`^data\\.${NAME}$`).exec(text);
  if (alone) return { field: alone[1], factor: "1" };
  const found = new RegExp(`^double\\(data\\.${NAME}\\) \\* (\\S*)$`).exec(text);
  if (!found) return null;
  const factor = /^[2-9]\.0$|^[1-9]\d+\.0$/.test(found[2]) ? found[2].slice(0, -2) : found[2];
  const read = { field: found[1], factor };
  return writeFactor(read) === text ? read : null;
}
