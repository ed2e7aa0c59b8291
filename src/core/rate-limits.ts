// How many messages, and bytes of them, a client and a namespace may publish per second: token buckets. They are in
// memory only and are filled by the time that each input brings: no timer, no row. A bucket that is full says nothing
// that a new one does not, so only those of clients that published lately are kept, by client id: who connects again
// goes on with the bucket it had.

import type { LimitName, Limits } from "./limits.ts";

export type RateLimitName = Extract<LimitName, `${"client" | "namespace"}${"Message" | "Byte"}Rate`>;

/**
 * Beyond a rate a client has so many times its bucket for what is refused, and for what is taken all the same. Clients
 * that repeat what was refused at once, or have a window of messages on the way, stay within it.
 */
const excessFactor = 10;
/** Buckets are looked through for full ones when there are twice as many as after the last look, and at least so many. */
const fewestBuckets = 1_024;
/** However many client ids are made up: the oldest half goes. */
const mostBuckets = 100_000;
const msPerSec = 1_000;

/** Filled at so much per ms, up to so much. Without a limit it is never empty. */
interface Rate {
  readonly messagesPerMs: number;
  readonly bytesPerMs: number;
  readonly mostMessages: number;
  readonly mostBytes: number;
}

/** A rate of less than one message in the burst would never let one through. */
const most = (perSec: number, burstSec: number): number => (perSec === 0 ? Infinity : Math.max(1, perSec * burstSec));

const rateOf = (messagesPerSec: number, bytesPerSec: number, burstSec: number): Rate => ({
  messagesPerMs: messagesPerSec / msPerSec,
  bytesPerMs: bytesPerSec / msPerSec,
  mostMessages: most(messagesPerSec, burstSec),
  mostBytes: most(bytesPerSec, burstSec),
});

class Bucket {
  // New ones are full, whatever their rate is.
  messages = Infinity;
  bytes = Infinity;
  #atMs = 0;

  fill(rate: Rate, nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#atMs); // a clock may be set back
    this.#atMs = nowMs;
    this.messages = Math.min(rate.mostMessages, this.messages + elapsedMs * rate.messagesPerMs);
    this.bytes = Math.min(rate.mostBytes, this.bytes + elapsedMs * rate.bytesPerMs);
  }

  /** A message may be larger than the bucket: what is left decides, and the rest is a debt. */
  get isEmpty(): boolean {
    return this.messages < 1 || this.bytes <= 0;
  }

  isFull(rate: Rate): boolean {
    return this.messages >= rate.mostMessages && this.bytes >= rate.mostBytes;
  }

  take(messages: number, bytes: number): void {
    this.messages -= messages;
    this.bytes -= bytes;
  }

  /** Until what was taken beyond the bucket is paid. */
  debtMs(rate: Rate): number {
    return Math.max(0, timeFor(-this.messages, rate.messagesPerMs), timeFor(-this.bytes, rate.bytesPerMs));
  }

  /** Until a message may be taken. */
  emptyMs(rate: Rate): number {
    return Math.max(0, timeFor(1 - this.messages, rate.messagesPerMs), timeFor(-this.bytes, rate.bytesPerMs));
  }

  isTooDeepInDebt(rate: Rate): boolean {
    return this.messages < -excessFactor * rate.mostMessages || this.bytes < -excessFactor * rate.mostBytes;
  }
}

const timeFor = (count: number, perMs: number): number => (count > 0 ? count / perMs : 0);

interface ClientBuckets {
  readonly own: Bucket;
  /** For what came beyond its rate. */
  excess: Bucket | undefined;
}

export class RateLimits {
  /** With no rate configured nothing else here is asked. */
  readonly isOn: boolean;
  readonly #limits: Limits;
  readonly #clientRate: Rate;
  readonly #excessRate: Rate;
  readonly #hasClientRate: boolean;
  readonly #clients = new Map<string, ClientBuckets>();
  #bucketsBeforeLook = fewestBuckets;
  readonly #namespace = new Bucket();
  #namespaceRate: Rate;
  #shards = 1;

  constructor(limits: Limits) {
    const { clientMessageRate, clientByteRate, namespaceMessageRate, namespaceByteRate, rateBurstSec } = limits;
    this.#limits = limits;
    this.#hasClientRate = clientMessageRate > 0 || clientByteRate > 0;
    this.isOn = this.#hasClientRate || namespaceMessageRate > 0 || namespaceByteRate > 0;
    this.#clientRate = rateOf(clientMessageRate, clientByteRate, rateBurstSec);
    this.#excessRate = rateOf(clientMessageRate * excessFactor, clientByteRate * excessFactor, rateBurstSec);
    this.#namespaceRate = rateOf(namespaceMessageRate, namespaceByteRate, rateBurstSec);
  }

  /** No shard asks another before it takes a message, so each has its part of the namespace's rate. */
  onShards(shards: number): void {
    if (shards === this.#shards) return;
    this.#shards = shards;
    const { namespaceMessageRate, namespaceByteRate, rateBurstSec } = this.#limits;
    this.#namespaceRate = rateOf(namespaceMessageRate / shards, namespaceByteRate / shards, rateBurstSec);
  }

  /** Takes messages that are within the rates; else nothing, and gives the rate that they are over. */
  take(client: string | undefined, messages: number, bytes: number, nowMs: number): RateLimitName | undefined {
    const own = this.#filled(client, nowMs);
    // First the client's: one that is over its own rate uses up nothing that others have a part in.
    if (own?.isEmpty === true) return own.messages < 1 ? "clientMessageRate" : "clientByteRate";
    const namespace = this.#namespace;
    namespace.fill(this.#namespaceRate, nowMs);
    if (namespace.isEmpty) return namespace.messages < 1 ? "namespaceMessageRate" : "namespaceByteRate";
    own?.take(messages, bytes);
    namespace.take(messages, bytes);
    return undefined;
  }

  /** After `take` gave a rate: takes the message all the same. Gives when it is paid; `undefined` where that is too much. */
  takeInDebt(client: string, bytes: number, nowMs: number): number | undefined {
    const own = this.#filled(client, nowMs);
    if (own?.isTooDeepInDebt(this.#clientRate) === true) return undefined;
    this.#namespace.fill(this.#namespaceRate, nowMs);
    if (this.#namespace.isTooDeepInDebt(this.#namespaceRate)) return undefined;
    own?.take(1, bytes);
    this.#namespace.take(1, bytes);
    return Math.ceil(Math.max(own?.debtMs(this.#clientRate) ?? 0, this.#namespace.debtMs(this.#namespaceRate)));
  }

  /** A message that was not taken. False where the client has sent so many that it is not to go on. */
  mayExceed(client: string, bytes: number, nowMs: number): boolean {
    if (!this.#hasClientRate) return true;
    const buckets = this.#bucketsOf(client, nowMs);
    const excess = (buckets.excess ??= new Bucket());
    excess.fill(this.#excessRate, nowMs);
    if (excess.isEmpty) return false;
    excess.take(1, bytes);
    return true;
  }

  /** After `take` gave a rate: until it would take a message. */
  waitMs(client: string | undefined, nowMs: number): number {
    const own = this.#filled(client, nowMs);
    this.#namespace.fill(this.#namespaceRate, nowMs);
    return Math.max(own?.emptyMs(this.#clientRate) ?? 0, this.#namespace.emptyMs(this.#namespaceRate));
  }

  /** How many buckets are kept. */
  get size(): number {
    return this.#clients.size;
  }

  #filled(client: string | undefined, nowMs: number): Bucket | undefined {
    if (!this.#hasClientRate || client === undefined) return undefined;
    const { own } = this.#bucketsOf(client, nowMs);
    own.fill(this.#clientRate, nowMs);
    return own;
  }

  #bucketsOf(client: string, nowMs: number): ClientBuckets {
    const known = this.#clients.get(client);
    if (known !== undefined) return known;
    if (this.#clients.size >= this.#bucketsBeforeLook) this.#forgetFull(nowMs);
    const fresh = { own: new Bucket(), excess: undefined };
    this.#clients.set(client, fresh);
    return fresh;
  }

  #forgetFull(nowMs: number): void {
    for (const [client, { own, excess }] of this.#clients) {
      own.fill(this.#clientRate, nowMs);
      excess?.fill(this.#excessRate, nowMs);
      if (own.isFull(this.#clientRate) && excess?.isFull(this.#excessRate) !== false) this.#clients.delete(client);
    }
    for (const client of this.#clients.keys()) {
      if (2 * this.#clients.size <= mostBuckets) break;
      this.#clients.delete(client);
    }
    this.#bucketsBeforeLook = Math.max(fewestBuckets, 2 * this.#clients.size);
  }
}
