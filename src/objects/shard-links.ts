// A shard's calls to the other shards of its namespace: batches of links, and counts for `$SYS`.

import type { Broker } from "../core/broker.ts";
import type { Call } from "../core/link-window.ts";
import type { SysReadings } from "../core/sys-topics.ts";
import type { BrokerShard } from "./broker-shard.ts";
import type { Flush } from "./flush.ts";

export interface ShardLinksPort {
  readonly broker: Broker;
  readonly flush: Flush;
  stub(shard: number): DurableObjectStub<BrokerShard>;
  /** Runs an input; a throw ends the object. */
  readonly guard: (run: () => void) => void;
}

const isOverloaded = (fault: unknown): boolean => (fault as { overloaded?: boolean } | null)?.overloaded === true;

export class ShardLinks {
  readonly #port: ShardLinksPort;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueAtMs = 0;
  #callsUnderWay = 0;
  /** Calls made since the start, for metrics: each is billed. */
  calls = 0;

  constructor(port: ShardLinksPort) {
    this.#port = port;
  }

  /** Sends a batch; its answer or failure comes back as an input. A stub that threw is dead, so each call has its own. */
  call(shard: number, call: Call): void {
    const { broker, guard } = this.#port;
    this.#callsUnderWay += 1;
    this.calls += 1;
    void this.#port
      .stub(shard)
      .deliverBatch(call.bytes, broker.layout)
      .finally(() => (this.#callsUnderWay -= 1))
      .then(
        (answer) => guard(() => broker.onLinkAnswer(shard, call.id, answer, Date.now())),
        (fault: unknown) => guard(() => broker.onLinkFailure(shard, call.id, !isOverloaded(fault), Date.now())),
      );
  }

  /** No other shard owes an answer. */
  get isIdle(): boolean {
    return this.#callsUnderWay === 0;
  }

  /** What the other shards count; one that does not answer is left out. At once where there is no other. */
  askOthers(done: (readings: readonly SysReadings[]) => void): void {
    const { layout, options } = this.#port.broker;
    const others = Array.from({ length: layout.shards }, (_, shard) => shard).filter((i) => i !== options.shardIndex);
    if (others.length === 0) done([]);
    else void this.#ask(others, done);
  }

  async #ask(others: readonly number[], done: (readings: readonly SysReadings[]) => void): Promise<void> {
    this.calls += others.length;
    const answers = await Promise.allSettled(others.map((shard) => this.#port.stub(shard).sysReadings()));
    this.#port.guard(() => {
      this.#port.broker.nowMs = Date.now();
      done(answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : [])));
    });
  }

  /** After each flush: batches that wait for a time, a repeat or a budget that passes, get their flush then. */
  watch(): void {
    const nowMs = Date.now();
    const dueAtMs = this.#port.broker.links.nextFlushMs(nowMs);
    if (dueAtMs !== undefined && dueAtMs <= nowMs) {
      this.#port.flush.wantWrite();
      return;
    }
    // One for later may stay. Where nothing is due it must go: the object cannot sleep while it runs.
    if (dueAtMs !== undefined && this.#timer !== undefined && dueAtMs >= this.#dueAtMs) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (dueAtMs === undefined) return;
    this.#dueAtMs = dueAtMs;
    this.#timer = setTimeout(() => this.#onTimer(), dueAtMs - nowMs);
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#port.flush.wantWrite();
  }
}
