// The document as JSON keeps it: numbers stay as they were written (60.0 is not 60), as far as the browser can do that.

const keepsNumbers = typeof JSON.rawJSON === "function";

export function read(text) {
  if (!keepsNumbers) return JSON.parse(text);
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source
      ? JSON.rawJSON(context.source)
      : value);
}

export const write = (value) => JSON.stringify(value, null, 2);

export const copy = (value) => read(write(value));

const isRaw = (value) => keepsNumbers && JSON.isRawJSON(value);

export const isNumber = (value) => typeof value === "number" || isRaw(value);

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?$/;

// As a field shows it.
export function shown(value) {
  if (value === undefined || value === null) return "";
  if (isRaw(value)) return value.rawJSON;
  return typeof value === "string" ? value : JSON.stringify(value);
}

// As it was typed: a number where it is one, else the text, so that what is wrong with it can be said.
export function typed(text) {
  const found = text.trim();
  return NUMBER.test(found) ? read(found) : found;
}

// Credits with their decimals, for an amount of the smallest part; and back. What is no amount stays as it is.
export function scaled(value, scale) {
  const text = shown(value);
  if (!scale || !/^\d+$/.test(text)) return text;
  const digits = text.padStart(scale + 1, "0");
  const decimals = digits.slice(-scale).replace(/0+$/, "");
  return digits.slice(0, -scale) + (decimals ? `.${decimals}` : "");
}

export function unscaled(text, scale) {
  const found = text.trim();
  if (!scale || !NUMBER.test(found)) return typed(found);
  const [whole, decimals = ""] = found.split(".");
  const kept = decimals.slice(0, scale).padEnd(scale, "0");
  const rest = decimals.slice(scale).replace(/0+$/, "");
  return read(`${whole}${kept}`.replace(/^(-?)0+(?=\d)/, "$1") + (rest ? `.${rest}` : ""));
}

// Sets a member, or takes it away where nothing was typed.
export function put(object, name, value) {
  if (value === "" || value === undefined) delete object[name];
  else object[name] = value;
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !isRaw(value);
const allObjects = (list) => list === undefined || (Array.isArray(list) && list.every(isObject));
const isTree = (node) => {
  if (!isObject(node)) return false;
  if ("fact" in node) return typeof node.fact === "string";
  const names = Object.keys(node);
  if (names.length === 1 && names[0] === "not") return isTree(node.not);
  const list = node.all ?? node.any ?? node.of;
  const isGroup = names.length === 1 ? !("of" in node) : names.length === 2 && "at_least" in node && "of" in node;
  return isGroup && Array.isArray(list) && list.every(isTree);
};
const noneOr = (check, value) => value === undefined || value === null || check(value);

// Whether cards can show the document without hiding anything of it.
export function isShowable(document) {
  return isObject(document) && allObjects(document.earning) && allObjects(document.certificates) &&
    noneOr(isObject, document.conversion) &&
    (document.earning ?? []).every((rule) =>
      isObject(rule.award) && noneOr(isObject, rule.name) && noneOr(isObject, rule.cap) && allObjects(rule.award.bands)) &&
    (document.certificates ?? []).every((each) =>
      isTree(each.criteria) && noneOr(isObject, each.name) && allObjects(each.equals));
}
