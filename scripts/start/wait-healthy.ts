// Waits until the broker says of itself that it would serve an upgrade and a publish at every shard.

import { setTimeout as delay } from "node:timers/promises";
import { fail, ok, type Result } from "../../src/core/brand.ts";

const POLL_MS = 25;
/** A large store takes a while to open; a broker that refuses its data says so at once and keeps saying it. */
const HEALTHY_WITHIN_MS = 30_000;
const REFUSAL_WITHIN_MS = 3_000;

/**
 * `ok` at the first 200 of `GET /healthz`; otherwise what it said. A change of the layout takes as long as it takes:
 * `onChanging` is told once that there is one.
 */
export async function waitHealthy(url: URL, onChanging: (detail: string) => void): Promise<Result<true, string>> {
  let startedAt = performance.now();
  let isTold = false;
  for (;;) {
    const said = await ask(new URL("/healthz", url));
    if (said.ok) return said;
    if (said.error.isChanging) {
      if (!isTold) onChanging(said.error.detail);
      isTold = true;
      startedAt = performance.now();
    }
    const waited = performance.now() - startedAt;
    if (waited > (said.error.answered ? REFUSAL_WITHIN_MS : HEALTHY_WITHIN_MS)) return fail(said.error.detail);
    await delay(POLL_MS);
  }
}

interface Unhealthy {
  readonly answered: boolean;
  readonly isChanging: boolean;
  readonly detail: string;
}

async function ask(url: URL): Promise<Result<true, Unhealthy>> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(HEALTHY_WITHIN_MS) });
    const body = await response.text();
    return response.ok ? ok(true) : fail({ answered: true, ...problemIn(body) });
  } catch (error) {
    return fail({ answered: false, isChanging: false, detail: `The broker does not answer: ${String(error)}` });
  }
}

function problemIn(body: string): Omit<Unhealthy, "answered"> {
  try {
    const { detail, message } = JSON.parse(body) as { readonly detail?: unknown; readonly message?: unknown };
    if (typeof detail === "string") return { detail, isChanging: message === "layout_changing" };
  } catch {
    // Not a problem document: the body itself is the message.
  }
  return { isChanging: false, detail: `The broker is not healthy: ${body.trim()}` };
}
