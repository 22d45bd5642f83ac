// A new leader is celebrated: calmly, and not again while the lead changes hands from one award to the next.

import { petals } from "./confetti.js";
import { make, named, paint, say, wear } from "./screen_parts.js";

const SHOWN_MS = 6_500;
const BETWEEN_MS = 60_000;

const party = document.querySelector("#party");
let last = -Infinity;

export function celebrate(team) {
  if (performance.now() - last < BETWEEN_MS || document.hidden) return;
  last = performance.now();
  const badge = make("span", "badge");
  wear(badge, team);
  const leader = party.querySelector(".leader");
  leader.replaceChildren(badge, make("p", "", named(say("leads", { team: team.name }))));
  paint(leader, team.place);
  party.hidden = false;
  const end = petals(party.querySelector("canvas"), ["--team", "--petal", "--heart"].map((name) => colourOf(badge, name)));
  setTimeout(() => {
    end();
    party.hidden = true;
    leader.replaceChildren();
  }, SHOWN_MS);
}

/** As a canvas understands it, in light and in dark. */
function colourOf(element, name) {
  element.style.color = `var(${name})`;
  return getComputedStyle(element).color;
}
