// What the queues of ephemeral sessions hold in memory. A message that waits for many sessions is there once.

import { messageSize } from "./message-size.ts";
import type { Message } from "./packet.ts";

/** What one place in a queue takes, beside the message. */
const placeBytes = 128;

export class QueueMemory {
  readonly #waiting = new Map<Message, number>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(message: Message): void {
    const places = this.#waiting.get(message) ?? 0;
    this.#waiting.set(message, places + 1);
    this.#bytes += places === 0 ? placeBytes + messageSize(message) : placeBytes;
  }

  remove(message: Message): void {
    const places = this.#waiting.get(message) ?? 0;
    if (places > 1) this.#waiting.set(message, places - 1);
    else this.#waiting.delete(message);
    this.#bytes -= places > 1 ? placeBytes : placeBytes + messageSize(message);
  }
}
