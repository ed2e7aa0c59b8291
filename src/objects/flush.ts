// The flush (design §4.1): what events left in memory is written in one commit, and what they want to say is sent. Each
// socket's packets leave joined, those that rely on the commit after it. The output gate holds them until it is durable.

import type { ShardSocket } from "./shard-socket.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
/** A flush is forced when so much waits for one socket, or for all: the timer starves while input is queued. */
export const maximumBytesPerSocket = 64 * KiB;
/** The same where they wait for the commit: a flush is dearer then, and what else waits for it leaves in pieces. */
export const maximumGatedBytesPerSocket = 256 * KiB;
export const maximumBytesInAll = 8 * MiB;

export interface FlushPort {
  /** Whether a flush has anything to write. */
  isDirty(): boolean;
  /** Writes everything pending, in one transaction; gives whether any row was written. */
  write(): boolean;
  /** Reads one row: an instance that a newer one has replaced fails here. */
  touch(): void;
  /** Resolves when all writes up to now are durable. */
  durable(): Promise<void>;
  onFlushed(): void;
  /** What these sockets had to send was handed over. */
  onSent(sockets: readonly ShardSocket[]): void;
  /** The flush threw: memory may differ from storage, so the object must start again from there. */
  abort(fault: unknown): void;
}

export class Flush {
  readonly #port: FlushPort;
  #waiting: ShardSocket[] = [];
  readonly #closing = new Set<ShardSocket>();
  #afterwards: (() => void)[] = [];
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** A packet or a change asked for the commit; what is merely pending waits for a reason. */
  #isWriteWanted = false;
  /** A cap was passed. */
  #isFull = false;
  #isCommitOutstanding = false;
  #isWantedAgain = false;
  /** Commits since the start, for metrics and tests. */
  commits = 0;

  constructor(port: FlushPort) {
    this.#port = port;
  }

  get isIdle(): boolean {
    return this.#timer === undefined && !this.#isCommitOutstanding;
  }

  /** Bytes that wait for the next flush, of all sockets. */
  get waiting(): number {
    return this.#bytes;
  }

  /** `count` bytes were added to the socket's queue. */
  onQueued(socket: ShardSocket, count: number): void {
    if (!socket.isInFlush) {
      socket.isInFlush = true;
      this.#waiting.push(socket);
    }
    this.#bytes += count;
    const most = socket.outgoing.isGated ? maximumGatedBytesPerSocket : maximumBytesPerSocket;
    if (socket.outgoing.length >= most || this.#bytes >= maximumBytesInAll) this.#isFull = true;
    this.#arm();
  }

  /**
   * Between two inputs of the core, and never within one: a commit in the middle would hold half of what belongs together
   * (a QoS 2 packet id without its message, a batch's number without its entries), and a crash after it would lose the rest.
   */
  relieve(): void {
    if (this.#isFull) this.now();
  }

  /** Something must be written, or storage touched, before the next acknowledgement leaves. */
  wantWrite(): void {
    this.#isWriteWanted = true;
    this.#arm();
  }

  /** The socket closes once its queue has left. */
  closeAfterwards(socket: ShardSocket): void {
    this.#closing.add(socket);
    this.#arm();
  }

  /** Runs after the commit of what is pending now; an RPC that answers then is held by the output gate. */
  afterwards(run: () => void): void {
    this.#afterwards.push(run);
    this.wantWrite();
  }

  /** Asked with each packet; what makes a closure is apart, for V8 makes its context whenever such a function is entered. */
  #arm(): void {
    if (this.#timer === undefined) this.#startTimer();
  }

  #startTimer(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#run();
    }, 0);
  }

  /** Does not wait for the timer. */
  now(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#run();
  }

  #run(): void {
    this.#isFull = false;
    // At most one commit is outstanding: what comes meanwhile would wait at the output gate anyway.
    if (this.#isCommitOutstanding && this.#bytes < maximumBytesInAll) {
      this.#isWantedAgain = true;
      return;
    }
    try {
      this.#flush();
    } catch (fault) {
      this.#port.abort(fault);
    }
  }

  #flush(): void {
    const sockets = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    const gated: ShardSocket[] = [];
    for (const socket of sockets) {
      socket.isInFlush = false;
      if (socket.outgoing.isGated) gated.push(socket);
      socket.sendAtOnce();
    }
    this.#commit(gated.length > 0);
    for (const socket of gated) socket.sendAfterCommit();
    this.#port.onSent(sockets);
    for (const socket of this.#closing) socket.closeNow();
    this.#closing.clear();
    const afterwards = this.#afterwards;
    this.#afterwards = [];
    for (const run of afterwards) run();
  }

  #commit(isAcknowledging: boolean): void {
    const isWanted = this.#isWriteWanted || isAcknowledging;
    this.#isWriteWanted = false;
    if (!isWanted) return;
    const isWritten = this.#port.isDirty() && this.#port.write();
    if (!isWritten) this.#port.touch();
    this.#port.onFlushed();
    if (!isWritten) return;
    this.commits += 1;
    this.#isCommitOutstanding = true;
    this.#port.durable().then(
      () => this.#onDurable(),
      (fault: unknown) => this.#port.abort(fault),
    );
  }

  #onDurable(): void {
    this.#isCommitOutstanding = false;
    if (!this.#isWantedAgain) return;
    this.#isWantedAgain = false;
    this.now();
  }
}
