// Notices that one client shuts out the others, and lets them in.
//
// Surprise (workerd 1.20261117.1): as long as a socket has bytes to read, the runtime reads on there, and looks at no
// other socket and no timer. One client that sends faster than the shard reads stops all others for as long as it likes:
// measured, a bystander waited 3.8 s beside four seconds of flood. While the object's input gate is closed nothing is
// handed over and nothing more is read, so the runtime looks around; then what came meanwhile is let in, in turn.

/** A timer that is due at once and has not come after so long is kept back by what is being read. */
const starvedAfterMs = 10;
/**
 * So much input of one client, with nothing of another in between, is taken before it is looked whether timers still come:
 * the question costs a timer, and a gate more than a hundred messages. Where many clients are busy it is never asked.
 */
const bytesPerLook = 16 * 1024;
/** What a message counts beyond its bytes. */
const messageBytes = 256;

export interface StarvationPort {
  now(): number;
  /** Lets no input in until the promise resolves. */
  closeGate(until: () => Promise<void>): Promise<unknown>;
  /** What waits to be written and sent is. */
  flush(): void;
  /** Runs after what is due at once. */
  soon(run: () => void): void;
}

export class Starvation {
  readonly #port: StarvationPort;
  /** Whose message came last. */
  #from: object | undefined;
  #bytes = 0;
  /** Since when a timer is due; `undefined`: none is asked for. */
  #dueSinceMs: number | undefined;
  #looks = 0;

  constructor(port: StarvationPort) {
    this.#port = port;
  }

  /** A message of so many bytes was dealt with; `from` stands for its client. */
  onInput(from: object, bytes: number): void {
    if (from !== this.#from) {
      // Others have their turn.
      this.#from = from;
      this.#bytes = 0;
      this.#dueSinceMs = undefined;
    }
    if (this.#dueSinceMs !== undefined) {
      if (this.#port.now() - this.#dueSinceMs >= starvedAfterMs) this.#letOthersIn();
      return;
    }
    this.#bytes += bytes + messageBytes;
    if (this.#bytes < bytesPerLook) return;
    this.#look();
  }

  #look(): void {
    this.#bytes = 0;
    this.#dueSinceMs = this.#port.now();
    this.#looks += 1;
    const look = this.#looks;
    this.#port.soon(() => {
      if (look === this.#looks) this.#dueSinceMs = undefined; // else it is the timer of an earlier look
    });
  }

  #letOthersIn(): void {
    // What has waited for its timer leaves now.
    this.#port.flush();
    const looked = (): Promise<void> => new Promise((resolve) => this.#port.soon(resolve));
    // It fails where the object ends meanwhile. Who starves others once is watched from the next message on.
    this.#port.closeGate(looked).then(
      () => this.#look(),
      () => undefined,
    );
    this.#dueSinceMs = undefined;
  }
}
