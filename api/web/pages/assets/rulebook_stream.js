// Answers that come line by line: how far the work has come, and at last its result.

// Calls `step` for each line of progress; gives {result}, or {status, problem} of what failed. Without either the
// connection was cut off on the way.
export async function stream(address, body, token, step) {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/x-ndjson, application/json;q=0.5", "X-CSRF-Token": token },
      body: JSON.stringify(body),
    });
  } catch {
    return { status: 0 };
  }
  if (!response.ok) return { status: response.status, problem: await response.json().catch(() => ({})) };
  let last = {};
  try {
    for await (const line of lines(response.body)) {
      last = JSON.parse(line);
      if (last.stage) step(last);
    }
  } catch {
    return { isCutOff: true };
  }
  if (last.problem) return { status: last.problem.status, problem: last.problem };
  return last.result ? { result: last.result } : { isCutOff: true };
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = parts.pop();
    yield* parts.filter((each) => each);
    if (done) break;
  }
  if (rest) yield rest;
}
