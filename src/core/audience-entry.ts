// A message as the log holds it: packed from the moment it is taken. What lives until the flush and beyond is bytes in one
// buffer, not the frame that the message came in.

import type { Audience } from "./audience.ts";
import type { Position, TopicName } from "./brand.ts";
import { readMessageBody, writeMessageBody } from "./message-codec.ts";
import { PackedReader, type PackedWriter } from "./packed.ts";
import type { Message } from "./packet.ts";

/** Where packed bodies lie: a row, or a writer that gets more of them. */
export interface Bodies {
  readonly written: Uint8Array;
}

export class AudienceEntry {
  readonly position: Position;
  readonly topicName: TopicName;
  readonly audience: Audience;
  /** Bytes, for limits (`messageSize`). */
  readonly size: number;
  /** Bytes of the packed body. */
  readonly bodyLength: number;
  #bodies: Bodies;
  #at: number;
  #message: Message | undefined;

  /** The body begins at `at` of `bodies`. */
  constructor(
    position: Position,
    topicName: TopicName,
    audience: Audience,
    size: number,
    bodies: Bodies,
    at: number,
    bodyLength: number,
  ) {
    this.position = position;
    this.topicName = topicName;
    this.audience = audience;
    this.size = size;
    this.bodyLength = bodyLength;
    this.#bodies = bodies;
    this.#at = at;
  }

  /** Writes the message's body behind the others. */
  static pack(
    position: Position,
    message: Message,
    audience: Audience,
    size: number,
    bodies: PackedWriter,
  ): AudienceEntry {
    const at = bodies.length;
    writeMessageBody(bodies, message);
    return new AudienceEntry(position, message.topicName, audience, size, bodies, at, bodies.length - at);
  }

  /** Decoded when somebody asks for it: its payload is a view of the bodies. */
  get message(): Message {
    this.#message ??= readMessageBody(new PackedReader(this.#bodies.written, this.#at), this.topicName);
    return this.#message;
  }

  for(audience: Audience): AudienceEntry {
    if (audience === this.audience) return this;
    const { position, topicName, size, bodyLength } = this;
    return new AudienceEntry(position, topicName, audience, size, this.#bodies, this.#at, bodyLength);
  }

  /** Writes the bodies of all of them, one after the other. Those that lie so already are copied at once. */
  static writeBodies(writer: PackedWriter, entries: readonly AudienceEntry[]): void {
    let index = 0;
    while (index < entries.length) {
      const first = entries[index] as AudienceEntry;
      let end = first.#at;
      for (; index < entries.length; index += 1) {
        const next = entries[index] as AudienceEntry;
        if (next.#bodies !== first.#bodies || next.#at !== end) break;
        end += next.bodyLength;
      }
      writer.raw(first.#bodies.written.subarray(first.#at, end));
    }
  }

  /** The bodies of all of them are at the end of the row now: where they were before is let go. */
  static moveTo(row: Uint8Array, entries: readonly AudienceEntry[]): void {
    const bodies: Bodies = { written: row };
    let at = row.length;
    for (let index = entries.length - 1; index >= 0; index -= 1) {
      const entry = entries[index] as AudienceEntry;
      at -= entry.bodyLength;
      entry.#bodies = bodies;
      entry.#at = at;
      entry.#message = undefined;
    }
  }
}
