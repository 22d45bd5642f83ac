// What is wrong stands beside its field, else beside what is around it; and in one list from which a link leads there.

import { el, isSaid, say, titled } from "./rulebook_dom.js";

const around = (path) => path.slice(0, Math.max(path.lastIndexOf("."), path.lastIndexOf("["), 0));

function placeOf(root, path) {
  for (let at = path; at; at = around(at)) {
    const found = root.querySelector(`[data-path="${CSS.escape(at)}"]`);
    if (found) return found;
  }
  return null;
}

export function showWords(root, words) {
  for (const each of root.querySelectorAll("[data-words]")) each.textContent = words[each.dataset.words] ?? "";
}

export function showFaults(root, faults) {
  for (const each of root.querySelectorAll(".wrong")) each.remove();
  for (const each of root.querySelectorAll("[aria-invalid]")) clear(each);
  const counts = new Map();
  for (const { path, message } of faults) {
    const place = placeOf(root, path);
    const card = place?.closest(".rule");
    if (card) counts.set(card, (counts.get(card) ?? 0) + 1);
    if (place) showAt(place, message);
  }
  for (const card of root.querySelectorAll(".rule")) {
    const mark = card.querySelector(".faulty");
    const count = counts.get(card) ?? 0;
    mark.hidden = count === 0;
    mark.textContent = count ? say("faults", { n: count }) : "";
  }
}

function clear(control) {
  control.removeAttribute("aria-invalid");
  const kept = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && !id.endsWith("-fault"));
  if (kept.length) control.setAttribute("aria-describedby", kept.join(" "));
  else control.removeAttribute("aria-describedby");
}

// What a part says for itself, where it knows better than the validator what was meant, comes first.
function showAt(place, message) {
  const isControl = place.matches("input, select, textarea");
  const home = isControl ? place.closest(".field") : place;
  if (home.querySelector(":scope > .wrong")) return;
  const says = el("span", { class: "wrong" }, place.dataset.instead || message);
  if (!isControl) {
    home.append(says);
    return;
  }
  says.id = `${place.id}-fault`;
  home.append(says);
  place.setAttribute("aria-invalid", "true");
  place.setAttribute("aria-describedby", [place.getAttribute("aria-describedby"), says.id].filter(Boolean).join(" "));
}

// Whose fault it is, in words: the card it stands in, and the field.
export function subject(path, titleOf) {
  const card = /^(earning|certificates)\[(\d+)\]/.exec(path);
  const names = path.split(/[.[\]]+/).filter((each) => each && !/^\d+$/.test(each));
  const last = names.at(-1);
  const field = names.length > 1 && last && isSaid(`member_${last}`) ? say(`member_${last}`) : "";
  return [card ? titleOf(card[1], Number(card[2])) : "", field].filter(Boolean).join(" · ");
}

// Of a text each has its line.
export function listFaults(list, faults, more, isText, titleOf, go) {
  list.replaceChildren(...faults.map((fault) => {
    const named = subject(fault.path, titleOf) || fault.path;
    const way = el("button", { type: "button", class: "linked", onclick: () => go(fault) }, el("bdi", {}, named || say("document")));
    return el("li", {}, isText ? `${titled(say("line", { n: fault.line }))} ` : null, way, " ", fault.instead ?? fault.message, " ", el("span", { class: "quiet small code" }, fault.path));
  }), ...(more ? [el("li", {}, say("more_faults", { n: more }))] : []));
}
