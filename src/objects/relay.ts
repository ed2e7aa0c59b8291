// Several shards, and a client whose id is not in the URL: the Worker reads CONNECT, opens a socket to the right shard
// and passes bytes on (design §2). It answers PINGREQ and watches the keep-alive itself, so that the shard may sleep, and
// tells the shard when the client reads too slowly.

import { encodePacket } from "../codec/encode.ts";
import { PacketDecoder } from "../codec/packet-decoder.ts";
import { PingFilter } from "../codec/ping-filter.ts";
import { keepAliveSecOf } from "../core/keep-alive.ts";
import type { Limits } from "../core/limits.ts";
import type { Connect, ProtocolVersion } from "../core/packet.ts";
import { reasonCode, type ReasonCode } from "../core/reason-code.ts";

/** Tells the shard that a relay is behind the socket: keep-alive is a lease then. */
export const relayHeader = "x-mqtt-relay";
/** How often a relay renews its lease … */
export const leaseRenewalMs = 180_000;
/** … and for how long it holds; in the place of the client's keep-alive. */
export const leaseSec = 300;
/** Text frames from a relay to its shard. */
export const relaySignal = { behind: "behind", drained: "drained", alive: "alive" } as const;

const drainCheckMs = 100;
/** After a close: how long the client may take no byte of what it was sent before. */
const lingerMs = 2_000;
const keepAliveMsPerSec = 1_500;
const normalClosure = 1000;
const tryAgainLater = 1013;

export interface RelayOptions {
  readonly limits: Limits;
  /** Opens a socket to the shard for this client id; `undefined`: the id is empty or could not be read. */
  openShard(clientId: string | undefined): Promise<WebSocket | undefined>;
  now(): number;
  /** Ends the invocation that the relay lives in, and with it both sockets, whatever they have unsent. */
  abort(reason: string): void;
}

type Buffered = { readonly bufferedAmount?: number };

export class Relay {
  readonly #client: WebSocket;
  readonly #options: RelayOptions;
  readonly #decoder: PacketDecoder;
  readonly #filter = new PingFilter();
  /** Bytes that came before the shard's socket was there. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #shard: WebSocket | undefined;
  #isOpening = false;
  #isOver = false;
  #version: ProtocolVersion | undefined;
  #keepAliveMs = 0;
  #lastSeenMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isBehind = false;
  #handedOver = 0;
  /** Nothing has come from the client yet. */
  #isFresh = true;
  /** The shard has sent CONNACK. */
  #isAnswered = false;
  #owedPings = 0;
  /** The shard's, for the question whether it was its last. */
  #lastFrame: Uint8Array = new Uint8Array();

  /** `client`: the Worker's end of an upgraded socket, not yet accepted. */
  static start(client: WebSocket, options: RelayOptions): Relay {
    return new Relay(client, options);
  }

  private constructor(client: WebSocket, options: RelayOptions) {
    this.#client = client;
    this.#options = options;
    this.#decoder = new PacketDecoder(options.limits);
    this.#lastSeenMs = options.now();
    client.binaryType = "arraybuffer";
    client.accept();
    client.addEventListener("message", ({ data }) => this.#onClientFrame(data));
    client.addEventListener("close", () => this.#end());
    client.addEventListener("error", () => this.#end());
    this.#timer = setTimeout(() => this.#onConnectTimeout(), options.limits.connectTimeoutMs);
  }

  #onClientFrame(data: ArrayBuffer | string | Blob): void {
    if (this.#isOver) return;
    this.#lastSeenMs = this.#options.now();
    if (!(data instanceof ArrayBuffer)) {
      this.#endFor(reasonCode.malformedPacket); // a text frame closes the connection [MQTT-6.0.0-1]
      return;
    }
    const bytes = new Uint8Array(data);
    if (this.#isFresh && bytes[0] === pingreqFirstByte) {
      this.#end(); // [MQTT-3.1.0-1]: the shard would not see it
      return;
    }
    this.#isFresh &&= bytes.length === 0;
    const { forward, pings } = this.#filter.feed(bytes);
    if (this.#shard === undefined) this.#keepEarly(forward);
    else if (forward.length > 0) this.#send(this.#shard, forward);
    this.#answer(pings);
  }

  /** Nothing goes to the client before CONNACK [MQTT-3.2.0-1]: until then PINGRESP is owed. */
  #answer(pings: number): void {
    this.#owedPings += pings;
    if (pings > 0 && !this.#isAnswered && this.#lastFrame[0] === authFirstByte) {
      this.#end(); // [MQTT-3.1.2-30]: until CONNACK only AUTH and DISCONNECT
      return;
    }
    if (!this.#isAnswered || this.#owedPings === 0 || endsWithDisconnect(this.#lastFrame)) return;
    const bytes = new Uint8Array(this.#owedPings * pingresp.length);
    for (let at = 0; at < bytes.length; at += pingresp.length) bytes.set(pingresp, at);
    this.#owedPings = 0;
    this.#send(this.#client, bytes);
  }

  #send(socket: WebSocket, data: Uint8Array | ArrayBuffer | string): void {
    try {
      socket.send(data);
    } catch {
      this.#end(); // closed, and the event has not come yet
    }
  }

  #keepEarly(bytes: Uint8Array): void {
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes > this.#options.limits.maximumPacketSize + this.#options.limits.maximumEarlyBytes) {
      this.#end();
      return;
    }
    if (this.#isOpening) return;
    this.#decoder.push(bytes.slice());
    const packet = this.#decoder.next();
    if (packet === undefined) return;
    this.#isOpening = true;
    void this.#open(packet.kind === "connect" ? packet : undefined);
  }

  /** What is no CONNECT goes to a shard all the same: it knows how to refuse it. */
  async #open(connect: Connect | undefined): Promise<void> {
    const clientId = connect === undefined || connect.clientId === "" ? undefined : connect.clientId;
    const shard = await this.#options.openShard(clientId).catch(() => undefined);
    if (shard === undefined || this.#isOver) {
      shard?.accept(); // or it may not be closed
      shard?.close(normalClosure);
      this.#end(tryAgainLater);
      return;
    }
    this.#version = connect?.protocolVersion;
    const { serverKeepAlive } = this.#options.limits;
    this.#keepAliveMs = (connect === undefined ? 0 : keepAliveSecOf(connect, serverKeepAlive)) * keepAliveMsPerSec;
    this.#attach(shard);
  }

  #attach(shard: WebSocket): void {
    this.#shard = shard;
    shard.binaryType = "arraybuffer";
    shard.accept();
    shard.addEventListener("message", ({ data }) => this.#onShardFrame(data));
    shard.addEventListener("close", () => this.#end());
    shard.addEventListener("error", () => this.#end());
    for (const bytes of this.#early) this.#send(shard, bytes);
    this.#early = [];
    this.#renewedAtMs = this.#options.now();
    this.#watch();
  }

  #onShardFrame(data: ArrayBuffer | string | Blob): void {
    if (this.#isOver || !(data instanceof ArrayBuffer)) return;
    this.#send(this.#client, data);
    this.#handedOver += data.byteLength;
    this.#lastFrame = new Uint8Array(data);
    this.#isAnswered ||= this.#lastFrame[0] === connackFirstByte; // behind AUTH packets, if there are any
    this.#answer(0);
    const { slowConsumerSoftBytes, slowConsumerHardBytes } = this.#options.limits;
    const unsent = this.#unsent;
    if (unsent > slowConsumerHardBytes) this.#endFor(reasonCode.quotaExceeded);
    else if (unsent > slowConsumerSoftBytes && !this.#isBehind) this.#onBehind();
  }

  get #unsent(): number {
    return (this.#client as Buffered).bufferedAmount ?? 0;
  }

  /** Of what the shard has sent, the bytes that have left. */
  get #drained(): number {
    return this.#handedOver - this.#unsent;
  }

  #onBehind(): void {
    this.#isBehind = true;
    if (this.#shard !== undefined) this.#send(this.#shard, relaySignal.behind);
    const { slowConsumerSoftBytes, slowConsumerTimeoutMs } = this.#options.limits;
    let drained = this.#drained;
    let sinceMs = this.#options.now();
    const check = (): void => {
      if (this.#isOver) return;
      if (this.#unsent > slowConsumerSoftBytes) {
        const nowMs = this.#options.now();
        if (this.#drained > drained) sinceMs = nowMs;
        drained = this.#drained;
        if (nowMs - sinceMs >= slowConsumerTimeoutMs) this.#endFor(reasonCode.quotaExceeded);
        setTimeout(check, drainCheckMs);
        return;
      }
      this.#isBehind = false;
      if (this.#shard !== undefined) this.#send(this.#shard, relaySignal.drained);
    };
    setTimeout(check, drainCheckMs);
  }

  #renewedAtMs = 0;

  /** One timer: the client's keep-alive, or the next renewal of the lease, whichever comes first. */
  #watch(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (this.#isOver) return;
    const nowMs = this.#options.now();
    const leftMs = this.#keepAliveMs === 0 ? Infinity : this.#lastSeenMs + this.#keepAliveMs - nowMs;
    if (leftMs <= 0) {
      // [MQTT-3.1.2-22, MQTT-3.1.2-24 v3.1.1]: the shard sees an abrupt loss and sends the will
      this.#endFor(reasonCode.keepAliveTimeout);
      return;
    }
    if (nowMs - this.#renewedAtMs >= leaseRenewalMs) this.#renew(nowMs);
    this.#timer = setTimeout(() => this.#watch(), Math.min(leftMs, this.#renewedAtMs + leaseRenewalMs - nowMs));
  }

  /** Not a PINGREQ: it could come in the middle of a packet of the client, and its answer would go to the client. */
  #renew(nowMs: number): void {
    this.#renewedAtMs = nowMs;
    if (this.#shard !== undefined) this.#send(this.#shard, relaySignal.alive);
  }

  /** Tells an MQTT 5 client why; what the shard sends are whole packets, so this one stands between two of them. */
  #endFor(code: ReasonCode): void {
    if (this.#version === 5 && this.#isAnswered) {
      this.#send(this.#client, encodePacket({ kind: "disconnect", reasonCode: code }, 5)); // [MQTT-3.14.0-1]
    }
    this.#end();
  }

  #onConnectTimeout(): void {
    if (this.#shard === undefined) this.#end();
  }

  /** Both sides close; to the shard without an MQTT DISCONNECT, so a will is published unless the client sent one. */
  #end(code = normalClosure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    for (const socket of [this.#client, this.#shard]) {
      try {
        socket?.close(code);
      } catch {
        // closed already
      }
    }
    this.#linger();
  }

  /** The close waits behind what is unsent: a client that reads nothing would hold this invocation, and the bytes, for ever. */
  #linger(): void {
    const unsent = this.#unsent;
    if (unsent === 0) return;
    setTimeout(() => {
      if (this.#unsent >= unsent) this.#options.abort("the client is closed and reads nothing");
      else this.#linger();
    }, lingerMs);
  }
}

/** [MQTT-3.14.4-1]: nothing follows a DISCONNECT. Frames of a shard are whole packets. */
function endsWithDisconnect(frame: Uint8Array): boolean {
  let at = 0;
  let first = 0;
  while (at < frame.length) {
    first = frame[at] ?? 0;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      at += 1;
      const byte = frame[at] ?? 0;
      length += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += 1 + length;
  }
  return first === disconnectFirstByte;
}

const disconnectFirstByte = 0xe0;
const connackFirstByte = 0x20;
const authFirstByte = 0xf0;
const pingreqFirstByte = 0xc0;
const pingresp = encodePacket({ kind: "pingresp" }, 4);
