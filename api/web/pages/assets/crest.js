// Crests of teams: drawn from a team's id and name, always the same for the same team. The colour is that of its place
// in the programme (`--team-0` … in the style sheet).

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = 12;
const SHIELD = "M50 3C63 10 78 12 92 12V52C92 78 74 96 50 107C26 96 8 78 8 52V12C22 12 37 10 50 3Z";
// What lies on the field, in light on the team's colour.
const FIELDS = [
  "M50 0H100V110H50Z",
  "M0 0H100V38H0Z",
  "M-8 84L50 34L108 84V110L50 60L-8 110Z",
  "M-10 16L14 -8L118 96L94 120Z",
  "M50 0H100V55H50ZM0 55H50V110H0Z",
  "M0 78C16 68 34 68 50 78S84 88 100 78V112H0Z",
  "M50 55L0 20V-5H18ZM50 55L44 -5H74ZM50 55L100 8V36ZM50 55L108 64V92ZM50 55L78 115H46ZM50 55L14 112L-8 78Z",
  "M0 0H28V110H0ZM72 0H100V110H72Z",
];

let made = 0;

/** The number of a team's colour. */
export function colour(place) {
  return place % COLOURS;
}

/** An SVG element, for the eye alone: what it stands for is said beside it. */
export function crest(key, name, place) {
  const id = `crest-${made++}`;
  const svg = draw("svg", { class: `crest team-${colour(place)}`, viewBox: "0 0 100 110", "aria-hidden": "true", focusable: "false" });
  const clip = draw("clipPath", { id });
  clip.append(draw("path", { d: SHIELD }));
  const field = draw("g", { "clip-path": `url(#${id})` });
  field.append(draw("path", { class: "ground", d: SHIELD }), draw("path", { class: "charge", d: FIELDS[hash(key) % FIELDS.length] }));
  const letter = draw("text", { x: 50, y: 72, "text-anchor": "middle" });
  letter.textContent = initial(name);
  svg.append(clip, field, draw("path", { class: "rim", d: SHIELD }), letter);
  return svg;
}

function draw(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** FNV-1a. */
function hash(text) {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0), 0x01000193) >>> 0;
  return (value ^ (value >>> 15)) >>> 0;
}

function initial(name) {
  const [first] = new Intl.Segmenter().segment(name.trim());
  return (first?.segment ?? "").toUpperCase();
}
