// The stream of the big screen, for days: what comes is handed on, what breaks is opened again, silence is noticed.

const SILENT_MS = 35_000; // the service shows life every 15 seconds
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
const CLOSED_RETRY_MS = 60_000;
const GONE = [401, 403, 404, 410];

/**
 * Follows the stream at `url` for as long as the page is open.
 *
 * `hear.screen(data)` gets each screen, `hear.alive(at)` that the last one still holds, `hear.away()` that the service
 * is there but cannot tell; `hear.lost()` is told of each connection that ended, `hear.closed()` that the right is gone.
 */
export async function follow(url, hear) {
  let tries = 0;
  let last = "";
  const heard = {
    ...hear,
    id: (id) => (last = id),
    any: () => (tries = 0),
  };
  for (;;) {
    let wait = 0;
    try {
      const from = new URL(url, location);
      if (last) from.searchParams.set("last_event_id", last);
      wait = await once(from, heard);
    } catch {
      // Not reached, broken or silent: that it is lost is all there is to know.
    }
    if (wait === CLOSED_RETRY_MS) {
      last = "";
      hear.closed();
    } else {
      hear.lost();
    }
    // With jitter, so that the screens of a company do not all come back in one instant.
    const backoff = Math.min(RETRY_MS * 2 ** tries++, RETRY_MS_MAX) * (0.5 + Math.random() / 2);
    await new Promise((done) => setTimeout(done, Math.max(wait, backoff)));
  }
}

/** Reads one connection to its end. Returns how long to wait at least. */
async function once(url, heard) {
  const controller = new AbortController();
  let timer = setTimeout(() => controller.abort(), SILENT_MS);
  try {
    const answer = await fetch(url, { headers: { Accept: "text/event-stream" }, cache: "no-store", signal: controller.signal });
    if (!answer.ok) {
      return GONE.includes(answer.status) ? CLOSED_RETRY_MS : 1_000 * (Number(answer.headers.get("Retry-After")) || 1);
    }
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 0;
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(), SILENT_MS);
      text += decoder.decode(value, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of newest(blocks)) tell(block, heard);
    }
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

/** Of several screens that came together the last is enough. */
function newest(blocks) {
  const events = blocks.map(parse);
  const screens = events.filter((event) => event.data && !event.event);
  return events.filter((event) => !screens.includes(event) || event === screens.at(-1));
}

function parse(block) {
  const event = {};
  for (const line of block.split("\n")) {
    const at = line.indexOf(": ");
    event[line.slice(0, at)] = line.slice(at + 2);
  }
  return event;
}

function tell(event, heard) {
  heard.any();
  if (event.id) heard.id(event.id);
  if (event.data && !event.event) heard.screen(JSON.parse(event.data));
  else if (event.event === "as_of") heard.alive(JSON.parse(event.data).at);
  else if ("" in event) heard.away();
}
