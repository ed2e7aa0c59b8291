// Scene: more clients come at once than the process has sockets for.

import { WebSocket } from "ws";
import { startBroker } from "../../support/broker-process.ts";

export interface SocketLimitPlan {
  readonly limit: number;
  readonly clients: number;
  readonly shards: number;
  /** Straight to the shard, or through a relay that knows no client id yet. */
  readonly way: "direct" | "relayed";
}

export interface SocketLimitOutcome {
  readonly letIn: number;
  /** With 503 and a Retry-After. */
  readonly told: number;
  /** Of a second wave, once the first has gone without a word. */
  readonly letInAfterwards: number;
}

type Upgrade = { readonly ws: WebSocket } | { readonly status: number; readonly retryAfter: string | undefined };

const settleMs = 300;
const tooMany = 503;

export async function passSocketLimit(plan: SocketLimitPlan): Promise<SocketLimitOutcome> {
  const { limit, clients, shards, way } = plan;
  const broker = await startBroker({ shards, variables: { PROCESS_SOCKET_LIMIT: String(limit) } });
  const wave = (): Promise<Upgrade[]> =>
    Promise.all(
      Array.from({ length: clients }, (_, number) =>
        upgrade(way === "direct" ? `${broker.mqttUrl}?clientId=c${number}` : broker.mqttUrl),
      ),
    );
  try {
    const first = await wave();
    const told = first.filter((one) => "status" in one && one.status === tooMany && one.retryAfter !== undefined);
    const letIn = first.flatMap((one) => ("ws" in one ? [one.ws] : []));
    for (const ws of letIn) ws.terminate();
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const second = (await wave()).flatMap((one) => ("ws" in one ? [one.ws] : []));
    for (const ws of second) ws.terminate();
    return { letIn: letIn.length, told: told.length, letInAfterwards: second.length };
  } finally {
    await broker.stop();
  }
}

function upgrade(url: string): Promise<Upgrade> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, "mqtt", { perMessageDeflate: false });
    ws.once("open", () => resolve({ ws }));
    ws.once("unexpected-response", (_, { statusCode = 0, headers }) =>
      resolve({ status: statusCode, retryAfter: headers["retry-after"] }),
    );
    ws.on("error", reject);
  });
}
