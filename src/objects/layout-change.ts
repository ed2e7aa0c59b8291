// Drives a change of the layout to its end. What was reached lies in storage; everything is asked for again until it is
// done, so it does not matter when the process ends, or which calls fail.

import { phaseAfter, shardsIn, type LayoutChange, type LayoutPhase } from "../core/layout-phase.ts";
import { withArrival, withProposal, type LayoutRecord, type Proposal } from "../core/layout-proposal.ts";
import type { Layout } from "../core/placement.ts";
import type { LayoutStep, LayoutStepAnswer } from "./layout-steps.ts";

/** What the registry keeps of it. */
export interface LayoutState {
  readonly record: LayoutRecord;
  /** Of the change that is under way, or whose shards are being opened. */
  readonly running?: { readonly phase: LayoutPhase; readonly change: LayoutChange; readonly sinceMs: number };
}

export interface LayoutChangesPort {
  read(): LayoutState | undefined;
  /** In one commit. */
  write(state: LayoutState): void;
  ask(shard: number, step: LayoutStep): Promise<LayoutStepAnswer>;
  /** Calls `drive` then, whatever becomes of this process. */
  wakeAt(atMs: number): Promise<void>;
  now(): number;
  wait(ms: number): Promise<void>;
  log(record: Record<string, unknown>): void;
}

/** What is asked of the registry about a change. */
export interface LayoutStatus {
  readonly inForce: Layout;
  readonly change?: {
    readonly from: number;
    readonly to: number;
    readonly phase: LayoutPhase;
    readonly sinceMs: number;
  };
}

/** Pauses before something is asked for again, growing. */
const shortestPauseMs = 20;
const longestPauseMs = 2_000;
/** While a change is driven the next wake lies so far off: for the case that this process ends. */
const watchMs = 10_000;
/** An alarm may run for 15 minutes: before that a new one goes on. */
const longestRunMs = 600_000;

export class LayoutChanges {
  readonly #port: LayoutChangesPort;
  #driving: Promise<void> | undefined;

  constructor(port: LayoutChangesPort) {
    this.#port = port;
  }

  /** The layout in force. A proposal that counts begins a change, or waits for the end of the one that is under way. */
  async layout(proposal: Proposal): Promise<Layout> {
    const state = this.#port.read();
    const record = withProposal(state?.record, proposal);
    if (record !== state?.record) this.#port.write(this.#started({ ...state, record }));
    await this.kick();
    return record.inForce;
  }

  status(): LayoutStatus | undefined {
    const state = this.#port.read();
    if (state === undefined) return undefined;
    const { record, running } = state;
    if (running === undefined) return { inForce: record.inForce };
    const { phase, sinceMs, change } = running;
    return { inForce: record.inForce, change: { from: change.from.shards, to: change.to.shards, phase, sinceMs } };
  }

  /** Where there is something to drive and nobody does it, it is driven soon. */
  async kick(): Promise<void> {
    if (this.#driving === undefined && this.#port.read()?.running !== undefined) {
      await this.#port.wakeAt(this.#port.now());
    }
  }

  /** The next change begins where none is under way. */
  #started(state: LayoutState): LayoutState {
    const { record, running } = state;
    if (running !== undefined || record.to === undefined) return state;
    const change: LayoutChange = { from: record.inForce, to: record.to };
    return { record, running: { phase: "probe", change, sinceMs: this.#port.now() } };
  }

  /** Until nothing is left to do, or for as long as one run may take. */
  drive(): Promise<void> {
    this.#driving ??= this.#run().finally(() => (this.#driving = undefined));
    return this.#driving;
  }

  async #run(): Promise<void> {
    const endMs = this.#port.now() + longestRunMs;
    let pauseMs = shortestPauseMs;
    let said: LayoutPhase | undefined;
    for (let running = this.#running; running !== undefined; running = this.#running) {
      const { phase, change } = running;
      const afterMs = this.#port.now() - running.sinceMs;
      if (phase !== said) this.#port.log({ event: "layout-change", phase, ...counts(change), afterMs });
      said = phase;
      await this.#port.wakeAt(this.#port.now() + watchMs);
      if (this.#port.now() > endMs) return;
      try {
        await this.#carryOut(phase, change);
        this.#advance();
        pauseMs = shortestPauseMs;
      } catch (fault) {
        this.#port.log({ event: "layout-change-delayed", phase, reason: String(fault) });
        await this.#port.wait(pauseMs);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    }
  }

  get #running(): LayoutState["running"] {
    return this.#port.read()?.running;
  }

  async #carryOut(phase: LayoutPhase, change: LayoutChange): Promise<void> {
    const shards = shardsIn(phase, change);
    if (phase === "drain") await this.#drain(shards, change);
    else await Promise.all(shards.map((shard) => this.#untilDone(shard, { phase, change })));
  }

  async #untilDone(shard: number, step: LayoutStep): Promise<void> {
    // One that starts again with the new layout answers nothing the first time.
    const ask = (): Promise<LayoutStepAnswer> => this.#port.ask(shard, step);
    const first = step.phase === "adopt" ? await ask().catch(() => undefined) : undefined;
    for (let answer = first; answer?.isDone !== true;) answer = await ask();
  }

  /** Nothing is under way when all say so twice, and nothing has happened between. */
  async #drain(shards: readonly number[], change: LayoutChange): Promise<void> {
    let before: string | undefined;
    for (let pauseMs = shortestPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const answers = await Promise.all(shards.map((shard) => this.#port.ask(shard, { phase: "drain", change })));
      const marks = answers.map(({ mark }) => mark).join(" ");
      const isQuiet = answers.every(({ isDone }) => isDone);
      if (isQuiet && marks === before) return;
      before = isQuiet ? marks : undefined;
      if (!isQuiet) await this.#port.wait(pauseMs);
    }
  }

  /** The phase is done by all. Before the first shard opens, the new layout is in force. */
  #advance(): void {
    const state = this.#port.read();
    if (state?.running === undefined) return;
    const { change, phase, sinceMs } = state.running;
    const next = phaseAfter(phase);
    const record = next === "open" ? { ...state.record, inForce: change.to } : state.record;
    if (next !== undefined) {
      this.#port.write({ record, running: { change, sinceMs, phase: next } });
      return;
    }
    this.#port.log({ event: "layout-changed", ...counts(change), tookMs: this.#port.now() - sinceMs });
    this.#port.write(this.#started({ record: withArrival(record) }));
  }
}

const counts = ({ from, to }: LayoutChange) => ({ number: to.number, from: from.shards, to: to.shards });
