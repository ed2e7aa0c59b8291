// The entry of the broker under test: the Worker that is deployed, and around it what makes its shards fail. It runs
// inside workerd. All objects of a Worker share one isolate, so plain variables reach every shard.

import worker, { BrokerShard as HonestShard } from "../../src/index.ts";
import { faultMark, faultPath, type CallFault, type FaultCommand, type FaultCounts } from "./fault-protocol.ts";

export { AuthenticatorEntrypoint, NamespaceRegistry, Publisher } from "../../src/index.ts";

const planned: CallFault[] = [];
let lateMs = 0;
/** So many plans were made. */
let plan = 0;
const calls: Record<CallFault, number> = { "fails-before": 0, "fails-after": 0, "ends-after": 0, late: 0, repeated: 0 };
const starts: Record<string, number> = {};

export class BrokerShard extends HonestShard {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const name = ctx.id.name ?? "";
    starts[name] = (starts[name] ?? 0) + 1;
  }

  override async deliverBatch(...call: Parameters<HonestShard["deliverBatch"]>): Promise<Uint8Array> {
    const fault = planned.shift();
    if (fault === undefined) return super.deliverBatch(...call);
    if (fault !== "ends-after") calls[fault] += 1;
    return this.#faulty(fault, () => super.deliverBatch(...call));
  }

  async #faulty(fault: CallFault, run: () => Promise<Uint8Array>): Promise<Uint8Array> {
    switch (fault) {
      case "fails-before":
        throw new Error(`${faultMark}: the call does not arrive`);
      case "fails-after":
        await run();
        throw new Error(`${faultMark}: the answer is lost`);
      case "ends-after":
        return this.#endAfter(run);
      case "late":
        await new Promise((resolve) => setTimeout(resolve, lateMs));
        return run();
      case "repeated": {
        const first = run();
        const second = await run();
        await first;
        return second;
      }
    }
  }

  /** Only as long as its plan is the present one: who makes a new plan may rely on it that nothing of the old one comes. */
  async #endAfter(run: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const own = plan;
    const answer = await run();
    await this.ctx.storage.sync();
    if (own !== plan) return answer;
    calls["ends-after"] += 1;
    this.ctx.abort(`${faultMark}: the shard ends before its answer leaves`);
    return answer; // not reached
  }

  async abortNow(): Promise<void> {
    this.ctx.abort(`${faultMark}: abort`);
  }
}

interface FaultEnv {
  readonly BROKER_SHARD: DurableObjectNamespace<BrokerShard>;
}

async function obey(command: FaultCommand, env: FaultEnv): Promise<unknown> {
  const stub = (shard: number): DurableObjectStub<BrokerShard> => env.BROKER_SHARD.getByName(`default/${shard}`);
  switch (command.kind) {
    case "calls":
      planned.splice(0, planned.length, ...command.faults);
      lateMs = command.lateMs;
      plan += 1;
      return true;
    case "abort":
      await stub(command.shard)
        .abortNow()
        .catch(() => undefined);
      return true;
    case "save":
      return stub(command.shard).saveNow();
    case "count":
      return { calls, starts } satisfies FaultCounts;
  }
}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    if (new URL(request.url).pathname !== faultPath) return worker.fetch(request, env, ctx);
    return Response.json(await obey(await request.json(), env as unknown as FaultEnv));
  },
} satisfies ExportedHandler<Env>;
