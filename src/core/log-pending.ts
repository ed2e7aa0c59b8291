// Messages of the log between two flushes: in memory alone, and read like stored ones.

import { Audience, type Recipient } from "./audience.ts";
import { AudienceEntry } from "./audience-entry.ts";
import type { Position, SessionNumber } from "./brand.ts";
import { messageSize } from "./message-size.ts";
import { PackedWriter } from "./packed.ts";
import type { Message } from "./packet.ts";

/** Entries that are tried one by one before they are indexed by session. */
const plainScan = 32;

export class PendingEntries {
  #entries: AudienceEntry[] = [];
  #bodies = new PackedWriter();
  #bytes = 0;
  #messagesEver = 0;
  #bytesEver = 0;
  /** Indices of each session's entries, among the first `#indexed` ones. */
  readonly #index = new Map<SessionNumber, number[]>();
  #indexed = 0;
  /** By the caller's array: an audience that is used again is packed once. */
  readonly #audiences = new WeakMap<readonly Recipient[], Audience>();
  #lastAudience: Audience | undefined;

  get count(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Taken ones included. */
  get appended(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#messagesEver, bytes: this.#bytesEver };
  }

  get end(): Position | undefined {
    return this.#entries.at(-1)?.position;
  }

  append(position: Position, message: Message, recipients: readonly Recipient[]): void {
    const size = messageSize(message);
    this.#entries.push(AudienceEntry.pack(position, message, this.audienceOf(recipients), size, this.#bodies));
    this.#bytes += size;
    this.#messagesEver += 1;
    this.#bytesEver += size;
  }

  audienceOf(recipients: readonly Recipient[]): Audience {
    const known = this.#audiences.get(recipients);
    if (known !== undefined) return known;
    const audience = this.#lastAudience?.isSameAs(recipients) ? this.#lastAudience : new Audience(recipients);
    this.#audiences.set(recipients, audience);
    this.#lastAudience = audience;
    return audience;
  }

  /** The session's first pending entry after a position. */
  next(session: SessionNumber, after: Position): AudienceEntry | undefined {
    const first = this.#entries[0]?.position;
    if (first === undefined) return undefined;
    const start = Math.max(0, after - first + 1); // pending positions follow one another
    const scanned = Math.min(this.#entries.length, start + plainScan);
    for (let index = start; index < scanned; index += 1) {
      const entry = this.#entries[index] as AudienceEntry;
      if (entry.audience.get(session) !== undefined) return entry;
    }
    return scanned === this.#entries.length ? undefined : this.#nextIndexed(session, scanned);
  }

  *entriesAfter(after: Position): Generator<AudienceEntry> {
    for (const entry of this.#entries) if (entry.position > after) yield entry;
  }

  /** All of them, which are not pending any more. */
  take(): AudienceEntry[] {
    const entries = this.#entries;
    this.#entries = [];
    this.#bodies = new PackedWriter(); // what was read from the other one stays as it was
    this.#bytes = 0;
    this.#index.clear();
    this.#indexed = 0;
    return entries;
  }

  /** Among many messages to others a session finds its own without trying each. */
  #nextIndexed(session: SessionNumber, start: number): AudienceEntry | undefined {
    this.#extendIndex();
    const own = this.#index.get(session) ?? [];
    let low = 0;
    let high = own.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((own[middle] as number) >= start) high = middle;
      else low = middle + 1;
    }
    const found = own[low];
    return found === undefined ? undefined : this.#entries[found];
  }

  #extendIndex(): void {
    for (; this.#indexed < this.#entries.length; this.#indexed += 1) {
      const { audience } = this.#entries[this.#indexed] as AudienceEntry;
      for (const { session } of audience.recipients) {
        const own = this.#index.get(session);
        if (own === undefined) this.#index.set(session, [this.#indexed]);
        else own.push(this.#indexed);
      }
    }
  }
}
