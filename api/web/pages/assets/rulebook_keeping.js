// What is sent to the server, and what is kept in this browser until it is.

import { say } from "./rulebook_dom.js";

const token = () => document.querySelector("[data-token]").dataset.token;

// `content` is what was answered; `message` says in words what failed.
export async function send(address, body) {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": token() },
      body: JSON.stringify(body),
    });
  } catch {
    return { ok: false, status: 0, content: {}, message: say("offline") };
  }
  const content = await response.json().catch(() => ({}));
  return { ok: response.ok, status: response.status, content, message: response.ok ? null : failed(response.status, content) };
}

export function failed(status, content) {
  if (status === 401 || status === 403) return say("session_over");
  if (status === 404) return say("gone");
  if (status === 413) return say("too_large");
  if (status === 503) return say("busy");
  return content.message ?? content.detail ?? say("failed");
}

// Where a browser keeps nothing, nothing is kept.
export function keep(name, content) {
  try {
    if (content) localStorage.setItem(name, JSON.stringify({ ...content, at: Date.now() }));
    else localStorage.removeItem(name);
  } catch {
    // It is full, or closed to this page.
  }
}

export const forget = (name) => keep(name, null);

export function kept(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}
