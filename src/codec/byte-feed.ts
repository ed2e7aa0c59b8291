// Joins frames into one run of bytes. A frame that holds whole packets is never copied; only what is left of it is.

const none = new Uint8Array(0);

export class ByteFeed {
  /** Unread bytes are `bytes[at, end)`; offsets change with `push` and `keep`. */
  bytes: Uint8Array = none;
  at = 0;
  end = 0;
  /** Whether `bytes` was made here, so that a next frame may be written behind `end`. What is before it never changes. */
  #own = false;

  get length(): number {
    return this.end - this.at;
  }

  /** Adds a frame: as it is where nothing waits, else copied behind what waits. */
  push(frame: Uint8Array): void {
    if (this.length > 0) {
      this.#append(frame);
      return;
    }
    this.bytes = frame;
    this.at = 0;
    this.end = frame.length;
    this.#own = false;
  }

  /** Copies the unread bytes if they are still the caller's; lets go of a frame that is read. */
  keep(): void {
    if (this.length === 0) this.#replace(none);
    else if (!this.#own) this.#replace(this.rest());
  }

  /** A copy of the unread bytes. */
  rest(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.bytes.subarray(this.at, this.end));
  }

  #replace(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
    this.#own = true;
  }

  #append(frame: Uint8Array): void {
    if (!this.#own || this.bytes.length - this.end < frame.length) this.#grow(frame.length);
    this.bytes.set(frame, this.end);
    this.end += frame.length;
  }

  /** Twice what waits, so that a packet in frames of one byte costs no more than one in large ones. */
  #grow(more: number): void {
    const waiting = this.length;
    const grown = new Uint8Array(Math.max(waiting + more, 2 * waiting));
    grown.set(this.bytes.subarray(this.at, this.end));
    this.#replace(grown);
    this.end = waiting;
  }
}
