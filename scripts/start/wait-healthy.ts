// Waits until the broker says of itself that it would serve an upgrade and a publish at every shard.

import { setTimeout as delay } from "node:timers/promises";
import { fail, ok, type Result } from "../../src/core/brand.ts";

const POLL_MS = 25;
/** A large store takes a while to open; a broker that refuses its data says so at once and keeps saying it. */
const HEALTHY_WITHIN_MS = 30_000;
const REFUSAL_WITHIN_MS = 3_000;

/** `ok` at the first 200 of `GET /healthz`; otherwise what it said. */
export async function waitHealthy(url: URL): Promise<Result<true, string>> {
  const startedAt = performance.now();
  for (;;) {
    const said = await ask(new URL("/healthz", url));
    if (said.ok) return said;
    const waited = performance.now() - startedAt;
    if (waited > (said.error.answered ? REFUSAL_WITHIN_MS : HEALTHY_WITHIN_MS)) return fail(said.error.detail);
    await delay(POLL_MS);
  }
}

async function ask(url: URL): Promise<Result<true, { readonly answered: boolean; readonly detail: string }>> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(HEALTHY_WITHIN_MS) });
    const body = await response.text();
    return response.ok ? ok(true) : fail({ answered: true, detail: detailOf(body) });
  } catch (error) {
    return fail({ answered: false, detail: `The broker does not answer: ${String(error)}` });
  }
}

function detailOf(body: string): string {
  try {
    const problem = JSON.parse(body) as { readonly detail?: unknown };
    if (typeof problem.detail === "string") return problem.detail;
  } catch {
    // Not a problem document: the body itself is the message.
  }
  return `The broker is not healthy: ${body.trim()}`;
}
