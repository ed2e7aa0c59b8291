// The invocation of the Worker that code runs in, for what lives on after its answer: a relay.

import { AsyncLocalStorage } from "node:async_hooks";

const invocations = new AsyncLocalStorage<ExecutionContext>();

/** Runs the answer to one request. */
export const runInvocation = <Answer>(invocation: ExecutionContext, answer: () => Answer): Answer =>
  invocations.run(invocation, answer);

/** Ends the present invocation, whenever it is called: its sockets, and what they have unsent, go at once. */
export function invocationEnd(): (reason: string) => void {
  const invocation = invocations.getStore();
  return (reason) => invocation?.abort(reason);
}
