// What a dialogue needs of a connection, so that the same dialogue runs against the Worker in workerd or any other
// broker, and the inbox that every transport fills.

export interface OpenOptions {
  readonly subprotocols: readonly string[];
  /** Names the client ahead of its CONNECT, so that with several shards nothing stands between it and its shard. */
  readonly clientId?: string;
}

export interface ByteSocket {
  /** What the server selected; empty where the transport has no sub-protocols. */
  readonly subprotocol: string;
  readonly inbox: Inbox;
  /** One WebSocket message (or one TCP write). */
  send(bytes: Uint8Array): void;
  sendText(text: string): void;
  /** Ends the connection without DISCONNECT. */
  drop(): void;
}

export interface Transport {
  open(options: OpenOptions): Promise<ByteSocket>;
}

/** A broker that says nothing for this long has failed the dialogue; nothing waits for it where it answers. */
const PATIENCE_MS = 3_000;
const CONNACK = 0x20;

/** Received bytes in order, whatever frames brought them. */
export class Inbox {
  #bytes = new Uint8Array(0);
  #ended = false;
  #hasConnack = false;
  #wake: (() => void) | undefined;

  push(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + bytes.length);
    joined.set(this.#bytes);
    joined.set(bytes, this.#bytes.length);
    this.#bytes = joined;
    this.#hasConnack ||= bytes[0] === CONNACK;
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Whether CONNACK came, after whatever AUTH: each of them begins a frame. */
  get hasConnack(): boolean {
    return this.#hasConnack;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What was received and not read. */
  get unread(): Uint8Array {
    return this.#bytes;
  }

  /** Up to `count` bytes: fewer only where the connection ended or nothing more came in time. */
  async read(count: number): Promise<Uint8Array> {
    await this.#until(() => this.#bytes.length >= count || this.#ended);
    const taken = this.#bytes.slice(0, count);
    this.#bytes = this.#bytes.slice(taken.length);
    return taken;
  }

  /** One packet by its fixed header (§2.2); fewer bytes where the connection ended or nothing more came in time. */
  async readPacket(): Promise<Uint8Array> {
    await this.#until(() => this.#packetSize() !== undefined || this.#ended);
    return this.read(this.#packetSize() ?? this.#bytes.length);
  }

  /** Whether the connection ended in time with nothing unread. */
  async closed(): Promise<boolean> {
    await this.#until(() => this.#ended);
    return this.#ended && this.#bytes.length === 0;
  }

  #packetSize(): number | undefined {
    let length = 0;
    for (let at = 1; at < 5; at += 1) {
      const byte = this.#bytes[at];
      if (byte === undefined) return undefined;
      length += (byte & 0x7f) * 128 ** (at - 1);
      if (byte < 0x80) return this.#bytes.length >= at + 1 + length ? at + 1 + length : undefined;
    }
    return undefined;
  }

  async #until(done: () => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!done() && Date.now() < deadline) {
      await this.#arrival(deadline - Date.now());
    }
  }

  #arrival(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
