// Asks the upstream whether it takes anonymous clients: a bridge that others can reach would hand it to everyone.

import { randomUUID } from "node:crypto";
import { fail, ok, type Result } from "../../src/core/brand.ts";
import { openUpstream, type Upstream } from "./upstream.ts";

const ANSWER_WITHIN_MS = 10_000;
const CONNACK = 0x20;
const CLEAN_SESSION = 0x02;
const KEEP_ALIVE_SEC = 10;
const DENIED = new Set([401, 403]);

/** CONNECT of MQTT 3.1.1 with a clean session and without credentials (§3.1). */
function anonymousConnect(): Uint8Array {
  const clientId = new TextEncoder().encode(`bridge-${randomUUID().slice(0, 8)}`);
  const body = [0, 4, 0x4d, 0x51, 0x54, 0x54, 4, CLEAN_SESSION, 0, KEEP_ALIVE_SEC, 0, clientId.length, ...clientId];
  return Uint8Array.from([0x10, body.length, ...body]);
}

/** Whether a CONNECT without credentials is accepted; the error says why that could not be found out. */
export function takesAnonymous(upstream: Upstream): Promise<Result<boolean, string>> {
  return new Promise((resolve) => {
    const socket = openUpstream(upstream);
    const settle = (result: Result<boolean, string>): void => {
      clearTimeout(timer);
      socket.terminate();
      resolve(result);
    };
    const timer = setTimeout(() => settle(fail("it did not answer a CONNECT")), ANSWER_WITHIN_MS);
    socket.on("open", () => socket.send(anonymousConnect()));
    socket.on("message", (data: Buffer) => settle(ok(data[0] === CONNACK && data[3] === 0)));
    // A broker may also close without a CONNACK.
    socket.on("close", () => settle(ok(false)));
    socket.on("unexpected-response", (_, { statusCode = 0 }) =>
      settle(DENIED.has(statusCode) ? ok(false) : fail(`it answered the upgrade with ${statusCode}`)),
    );
    socket.on("error", (error) => settle(fail(error.message)));
  });
}
