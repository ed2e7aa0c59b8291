// A shard's part in a change of the layout. How far it is lies in a row, so that a shard that restarts in the middle goes
// on from there. Every step may be asked for again, whatever became of the call before.

import type { Broker } from "../core/broker.ts";
import { materializeReplays, sendAway } from "../core/layout-freeze.ts";
import type { LayoutChange, LayoutPhase, LayoutStage } from "../core/layout-phase.ts";
import { layoutRetryAfterSec, LayoutRefusal, type LayoutRefusalKind } from "../core/layout-refusal.ts";
import { PendingRows } from "../core/pending-rows.ts";
import type { Layout } from "../core/placement.ts";
import { reviveWills } from "../core/restore.ts";
import { dropMoved, isMovable, type DropCursor } from "../core/transfer/drop-moved.ts";
import type { ExportCursor } from "../core/transfer/export-page.ts";
import { exportPage } from "../core/transfer/export.ts";
import { importPart, settleImport } from "../core/transfer/import.ts";
import type { TransferRecord } from "../core/transfer/record.ts";
import { splitByShard } from "../core/transfer/split.ts";
import type { OpenStores } from "../storage/stores.ts";
import type { Flush } from "./flush.ts";
import { noLayout, storeLayout } from "./layout.ts";
import type { LayoutStep, LayoutStepAnswer, MovedPart, MovedTo } from "./layout-steps.ts";

export interface ShardLayoutPort {
  readonly broker: Broker;
  readonly stores: OpenStores;
  readonly flush: Flush;
  becomeWhole(): void;
  /** Runs an input; a throw ends the object. */
  guard(run: () => void): void;
  takeMoved(shard: number, part: MovedPart): Promise<MovedTo>;
  /** The object ends once everything is durable; the next call starts it again from storage. */
  startAgain(): Promise<never>;
  /** No alarm is due any more. */
  sleep(): Promise<void>;
}

interface StoredStage {
  readonly stage: LayoutStage;
  readonly change: LayoutChange;
}

const stageKey = "layout_change";
const movedKey = (from: number): string => `layout_moved/${from}`;

const KiB = 1024;
/** Of one page, before it is split by shards: a commit, and what is in memory twice on its way. */
const partBytes = 512 * KiB;

const done: LayoutStepAnswer = { isDone: true };
const notYet: LayoutStepAnswer = { isDone: false };

export class ShardLayout {
  readonly #port: ShardLayoutPort;
  readonly #rows: PendingRows<string, string>;
  #stored: StoredStage | undefined;
  /** How far each other shard is, by shard. */
  readonly #places = new Map<number, Place>();
  #dropCursor: DropCursor | undefined;
  #isAdopting = false;

  constructor(port: ShardLayoutPort) {
    const { meta } = port.stores;
    this.#port = port;
    this.#rows = new PendingRows({
      get: (key: string) => meta.getString(key),
      put: (key, text) => meta.putString(key, text),
      delete: (key) => meta.delete(key),
    });
    const text = this.#rows.get(stageKey);
    if (text !== undefined) this.#stored = JSON.parse(text) as StoredStage;
    port.broker.stage = this.#stored?.stage;
  }

  get isServing(): boolean {
    return this.#stored === undefined;
  }

  get isDirty(): boolean {
    return this.#rows.isDirty;
  }

  /** Inside the flush's transaction, after everything else. */
  flush(): void {
    if (this.#isAdopting && this.#stored !== undefined) {
      storeLayout(this.#port.stores.meta, this.#stored.change.to);
      this.#port.stores.links.clearRoutes();
    }
    this.#rows.flush();
  }

  /** A call that knows this layout. Throws a `LayoutRefusal` where it is not to be served. */
  admit(layout: Layout): void {
    const refusal = this.#stored === undefined ? this.#refusalOf(layout) : "changing";
    if (refusal !== undefined) throw new LayoutRefusal(refusal);
  }

  /** The same for calls of other shards, and for what ends a publish: they go on until nothing is under way any more. */
  admitShard(layout: Layout): void {
    const refusal = this.#stored?.stage === "sealed" ? "changing" : this.#refusalOf(layout);
    if (refusal !== undefined) throw new LayoutRefusal(refusal);
  }

  /** The answer to an upgrade that is not to be served. */
  refuseUpgrade(layout: Layout | null): Response | undefined {
    try {
      this.admit(layout ?? noLayout);
      return undefined;
    } catch (fault) {
      if (!(fault instanceof LayoutRefusal)) throw fault;
      return new Response(fault.message, {
        status: 503,
        headers: { "retry-after": String(layoutRetryAfterSec), [layoutRefusalHeader]: fault.kind },
      });
    }
  }

  #refusalOf(layout: Layout): LayoutRefusalKind | undefined {
    const { broker, stores } = this.#port;
    const { number } = broker.layout;
    if (number === 0 && layout.number > 0 && this.#stored === undefined) {
      // New: whoever asks first knows.
      broker.layout = layout;
      storeLayout(stores.meta, layout);
    } else if (layout.number > number) return "changing";
    const isConcerned = broker.options.shardIndex < layout.shards;
    return layout.number < number || !isConcerned ? "moved" : undefined;
  }

  async step({ phase, change }: LayoutStep): Promise<LayoutStepAnswer> {
    const answer = this.#isBehind(change) ? done : await this.#carryOut(phase, change);
    await this.#committed(); // also what an earlier call did whose answer was lost
    return answer;
  }

  #carryOut(phase: LayoutPhase, change: LayoutChange): Promise<LayoutStepAnswer> {
    switch (phase) {
      case "probe":
        return Promise.resolve(done);
      case "freeze":
        return this.#freeze(change);
      case "drain":
        return this.#drain();
      case "seal":
        return this.#seal(change);
      case "copy":
        return this.#copy(change);
      case "drop":
        return this.#drop(change);
      case "adopt":
        return this.#adopt(change);
      case "join":
        return this.#join(change);
      case "open":
        return this.#open(change);
    }
  }

  /** That change is over here: the call is a repeat, or it came very late. */
  #isBehind({ to }: LayoutChange): boolean {
    if (this.#stored !== undefined) return to.number < this.#stored.change.to.number;
    return this.#port.broker.layout.number >= to.number;
  }

  async #freeze(change: LayoutChange): Promise<LayoutStepAnswer> {
    this.#port.becomeWhole();
    this.#port.guard(() => {
      if (this.#stored === undefined) this.#enter("closed", change);
      // Also those that a restart has left: sockets may outlive it.
      sendAway(this.#port.broker, Date.now());
    });
    return done;
  }

  #enter(stage: LayoutStage, change: LayoutChange): void {
    this.#stored = { stage, change };
    this.#port.broker.stage = stage;
    this.#rows.put(stageKey, JSON.stringify(this.#stored));
  }

  async #drain(): Promise<LayoutStepAnswer> {
    const { broker } = this.#port;
    this.#port.becomeWhole();
    let replays = 0;
    this.#port.guard(() => {
      sendAway(broker, Date.now());
      replays = materializeReplays(broker, Date.now());
    });
    await this.#committed();
    const isDone = replays === 0 && broker.links.isQuiet;
    return { isDone, mark: `${broker.options.incarnation}/${broker.links.turns}` };
  }

  async #seal(change: LayoutChange): Promise<LayoutStepAnswer> {
    if (this.#stored?.stage === "closed") this.#enter("sealed", change);
    return done;
  }

  /** Sends one page to those whose it is. How far each has come, only it knows for sure. */
  async #copy({ from, to }: LayoutChange): Promise<LayoutStepAnswer> {
    this.#expect("sealed", to.number);
    const { broker, stores } = this.#port;
    this.#port.becomeWhole();
    const isConcerned = broker.options.shardIndex < from.shards;
    const targets = Array.from({ length: isConcerned ? to.shards : 0 }, (_, shard) => shard);
    const open = await this.#unfinished(
      targets.filter((shard) => shard !== broker.options.shardIndex),
      to,
    );
    const [first] = open;
    if (first === undefined) return done;
    const { at } = this.#placeOf(first);
    broker.nowMs = Date.now();
    const page = exportPage(broker, stores, at ?? undefined, partBytes);
    const records = splitByShard(page.records.filter(mayMove), to);
    const alike = open.filter((shard) => isSameCursor(this.#placeOf(shard).at, at));
    const next = page.next ?? null;
    await Promise.all(alike.map((shard) => this.#sendPage(shard, to, records.get(shard) ?? [], next)));
    return notYet;
  }

  async #unfinished(targets: readonly number[], to: Layout): Promise<number[]> {
    const unknown = targets.filter((shard) => !this.#places.has(shard));
    await Promise.all(unknown.map(async (shard) => this.#places.set(shard, placeAt(await this.#send(shard, to)))));
    return targets.filter((shard) => !this.#placeOf(shard).isEnd);
  }

  #placeOf(shard: number): Place {
    return this.#places.get(shard) ?? placeAt(atStart);
  }

  /** Where nothing of the page is for it, the shard hears of it with the next one that has something. */
  async #sendPage(
    shard: number,
    to: Layout,
    records: readonly TransferRecord[],
    next: ExportCursor | null,
  ): Promise<void> {
    const place = this.#placeOf(shard);
    const isSent = records.length > 0 || next === null;
    const now = isSent ? placeAt(await this.#send(shard, to, { start: place.taken, next, records })) : undefined;
    this.#places.set(shard, now ?? { ...place, at: next });
  }

  #send(shard: number, to: Layout, part?: NonNullable<MovedPart["part"]>): Promise<MovedTo> {
    const from = this.#port.broker.options.shardIndex;
    return this.#port.takeMoved(shard, { change: to.number, from, ...(part && { part }) });
  }

  /** Another shard sends what is this one's from now on. Records and place are in one commit; a repeat has no effect. */
  async takeMoved({ change, from, part }: MovedPart): Promise<MovedTo> {
    this.#expect("sealed", change);
    this.#port.becomeWhole();
    const known = this.#movedFrom(from);
    if (part !== undefined && !known.isEnd && isSameCursor(part.start, known.cursor)) {
      this.#port.guard(() => this.#takeIn(change, from, part));
    }
    const now = this.#movedFrom(from);
    await this.#committed(); // what is said here is not unsaid by a crash
    return now;
  }

  #takeIn(change: number, from: number, { next, records }: NonNullable<MovedPart["part"]>): void {
    const number = this.#numberOf(from) + 1;
    const outcome = importPart(
      this.#port.broker,
      { source: sourceOf(change, from), number, records },
      Date.now(),
      false,
    );
    if (outcome.kind !== "taken") throw new Error(`a part of shard ${from} was ${outcome.kind}`);
    const moved: StoredMove = { number, cursor: next, isEnd: next === null };
    this.#rows.put(movedKey(from), JSON.stringify(moved));
  }

  #movedFrom(from: number): MovedTo {
    const { cursor, isEnd } = this.#moveOf(from) ?? atStart;
    return { cursor, isEnd };
  }

  #numberOf(from: number): number {
    return this.#moveOf(from)?.number ?? 0;
  }

  #moveOf(from: number): StoredMove | undefined {
    const text = this.#rows.get(movedKey(from));
    return text === undefined ? undefined : (JSON.parse(text) as StoredMove);
  }

  async #drop({ to }: LayoutChange): Promise<LayoutStepAnswer> {
    if (this.#stored?.stage === "joining") return done;
    this.#expect("sealed", to.number);
    const { broker, stores } = this.#port;
    this.#port.becomeWhole();
    this.#port.guard(() => (this.#dropCursor = dropMoved(broker, stores, to, this.#dropCursor, Date.now())));
    return { isDone: this.#dropCursor === undefined };
  }

  /** Memory is full of the old layout: it starts again with the new one. */
  async #adopt(change: LayoutChange): Promise<LayoutStepAnswer> {
    if (this.#stored?.stage === "joining") return done;
    this.#expect("sealed", change.to.number);
    this.#enter("joining", change);
    this.#isAdopting = true;
    for (let from = 0; from < change.from.shards; from += 1) {
      this.#rows.delete(movedKey(from));
      this.#port.broker.sessions.imports.forget(sourceOf(change.to.number, from));
    }
    await this.#committed();
    return this.#port.startAgain();
  }

  /** Resolves when every owner has committed what this shard wants of it: no message is missed from then on. */
  async #join(change: LayoutChange): Promise<LayoutStepAnswer> {
    this.#expect("joining", change.to.number);
    this.#port.becomeWhole();
    await new Promise<void>((resolve) => this.#port.guard(() => this.#port.broker.routes.restate(resolve)));
    return done;
  }

  async #open({ to }: LayoutChange): Promise<LayoutStepAnswer> {
    this.#expect("joining", to.number);
    const { broker, stores } = this.#port;
    const isConcerned = broker.options.shardIndex < to.shards;
    this.#port.becomeWhole();
    this.#port.guard(() => {
      this.#stored = undefined;
      broker.stage = undefined;
      this.#rows.delete(stageKey);
      settleImport(broker, Date.now());
      reviveWills(broker, stores, Date.now());
      if (isConcerned) broker.effects.wakeAt(Date.now()); // what was due meanwhile
    });
    await this.#committed();
    if (!isConcerned) await this.#port.sleep();
    return done;
  }

  /** That stage of that change, and not on the way from one to the next. */
  #expect(stage: LayoutStage, change: number): void {
    const isThis = this.#stored?.stage === stage && this.#stored.change.to.number === change;
    if (!isThis || this.#isAdopting) throw new LayoutRefusal("changing");
  }

  /** Everything pending is written; the output gate holds what is said then. */
  #committed(): Promise<void> {
    return new Promise((resolve) => this.#port.flush.afterwards(resolve));
  }
}

/** On a refused upgrade: which of the two it is. */
export const layoutRefusalHeader = "x-mqtt-layout-refusal";

/** Another shard on its way through what this one has. */
interface Place {
  /** What comes before it is committed there. */
  readonly taken: ExportCursor | null;
  /** What lies between the two is not for it. */
  readonly at: ExportCursor | null;
  readonly isEnd: boolean;
}

const placeAt = ({ cursor, isEnd }: MovedTo): Place => ({ taken: cursor, at: cursor, isEnd });

interface StoredMove extends MovedTo {
  readonly number: number;
}

const atStart: MovedTo = { cursor: null, isEnd: false };

const sourceOf = (change: number, from: number): string => `layout/${change}/${from}`;

const isSameCursor = (a: ExportCursor | null, b: ExportCursor | null): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

const mayMove = (record: TransferRecord): boolean => record.kind !== "idempotency" || isMovable(record.row);
