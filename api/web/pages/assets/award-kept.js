// Awards that were tapped and are not yet answered for: each is kept on this device under a key of its own, so that no
// two tabs write the same place, and each is sent with the key that the ledger books once.

const PREFIX = "pointsbank-award:";
const ANSWER_SECONDS = 15;

export class Kept {
  constructor(user) {
    this.own = `${PREFIX}${user}:`;
    this.memory = new Map(); // where the browser keeps nothing
  }

  put(award) {
    try {
      localStorage.setItem(this.own + award.key, JSON.stringify(award));
    } catch {
      this.memory.set(award.key, award);
    }
  }

  remove(key) {
    this.memory.delete(key);
    try {
      localStorage.removeItem(this.own + key);
    } catch { /* it was never there */ }
  }

  // In the order in which they were tapped.
  all() {
    const found = [...this.memory.values()];
    for (const name of this.names()) {
      if (!name.startsWith(this.own)) continue;
      const award = read(localStorage.getItem(name));
      if (award) found.push(award);
    }
    return found.sort((one, other) => one.tapped - other.tapped);
  }

  // How many are other people's.
  others() {
    return this.names().filter((name) => !name.startsWith(this.own)).length;
  }

  names() {
    try {
      return Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
    } catch {
      return [];
    }
  }

  static concerns(name) {
    return name === null || name.startsWith(PREFIX);
  }
}

function read(text) {
  try {
    const award = JSON.parse(text);
    return typeof award?.key === "string" ? award : null;
  } catch {
    return null;
  }
}

// One tab after the other: what one has sent, the next no longer finds.
export async function inTurn(work) {
  if (navigator.locks) await navigator.locks.request(PREFIX, work);
  else await work();
}

// What came of it: "ok" and "refused" are final; "later": no answer; "ended": nobody is signed in; "stale": the page is
// of an earlier session.
export async function ask(address, fields, token) {
  const headers = { Accept: "application/json" };
  if (token) headers["X-CSRF-Token"] = token;
  let response, answer;
  try {
    const signal = AbortSignal.timeout(ANSWER_SECONDS * 1000);
    response = await fetch(address, { method: fields ? "POST" : "GET", body: fields, headers, signal });
    answer = await response.json();
  } catch {
    return { outcome: "later" };
  }
  if (response.ok && answer.user) return { outcome: "ok", answer };
  if (response.status === 401) return { outcome: "ended" };
  if (response.status === 403 || answer.slug === "other-user") return { outcome: "stale" };
  if (response.status < 500 && answer.says) return { outcome: "refused", answer };
  return { outcome: "later" };
}

export function fieldsOf(award) {
  const fields = new URLSearchParams();
  for (const name of ["key", "user", "place", "group", "amount", "reason", "tapped"]) fields.set(name, award[name]);
  for (const learner of award.learners) fields.append("learner", learner);
  fields.set("sent", Date.now());
  return fields;
}

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
