// A client of the null broker: what leaves for it is joined here.

import { highestPacketId, type Frame, writeUint16 } from "./codec.ts";

const firstBytes = 256;

/** What makes a delivery wrong on purpose: the suite must see it. */
export type Fault = "drop" | "double" | "reorder";

export class Client {
  socket: WebSocket | undefined;
  isVersion5 = false;
  isClean = true;
  isWaiting = false;
  readonly clientId: string;
  readonly filters: string[] = [];
  /** Of the topic last published to: its bytes, whom it reaches, and for which filters that is true. */
  lastTopic = new Uint8Array();
  lastAudience: readonly Subscription[] = [];
  lastGeneration = -1;
  #out = new Uint8Array(firstBytes);
  #used = 0;
  #packetId = 0;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  get unsent(): number {
    return this.#used;
  }

  append(bytes: Uint8Array, length: number): void {
    this.#reserve(length);
    this.#out.set(length === bytes.length ? bytes : bytes.subarray(0, length), this.#used);
    this.#used += length;
  }

  /** With a packet id of this client's. */
  appendFrame(frame: Frame, qos: number): void {
    if (qos > 0) {
      this.#packetId = this.#packetId === highestPacketId ? 1 : this.#packetId + 1;
      writeUint16(frame.bytes, frame.idAt, this.#packetId);
    }
    this.append(frame.bytes, frame.length);
  }

  send(): void {
    const length = this.#used;
    if (this.socket === undefined || length === 0) return;
    this.#used = 0;
    try {
      this.socket.send(this.#out.subarray(0, length));
    } catch {
      // Closed; its close event is on the way.
    }
  }

  #reserve(length: number): void {
    const wanted = this.#used + length;
    if (wanted <= this.#out.length) return;
    const grown = new Uint8Array(2 * wanted);
    grown.set(this.#out.subarray(0, this.#used));
    this.#out = grown;
  }
}

export interface Subscription {
  readonly client: Client;
  readonly qos: number;
}
