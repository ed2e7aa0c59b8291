// One connection of a client: a WebSocket that speaks MQTT packets.

import { generate, parser, type IConnectPacket, type Packet } from "mqtt-packet";
import { WebSocket } from "ws";

export interface LinkListener {
  onPacket(packet: Packet): void;
  /** Once. */
  onClosed(): void;
}

const openWithinMs = 5_000;

export class Link {
  readonly #socket: WebSocket;
  #isOver = false;
  /** This side ended it. */
  wasCut = false;
  #listener: LinkListener | undefined;

  readonly #version: 4 | 5;

  /** Opens the socket; `connect` is made, and sent, once it is open. */
  constructor(url: string, version: 4 | 5, connect: () => IConnectPacket, listener: LinkListener) {
    this.#version = version;
    this.#listener = listener;
    const packets = parser({ protocolVersion: version });
    packets.on("packet", (packet: Packet) => this.#listener?.onPacket(packet));
    this.#socket = new WebSocket(url, "mqtt", { perMessageDeflate: false, handshakeTimeout: openWithinMs });
    this.#socket.on("message", (data: Buffer) => {
      if (!this.#isOver) packets.parse(data);
    });
    this.#socket.on("open", () => this.send(connect()));
    this.#socket.on("error", () => undefined); // "close" follows
    this.#socket.on("close", () => this.#end());
  }

  get isOpen(): boolean {
    return !this.#isOver && this.#socket.readyState === WebSocket.OPEN;
  }

  /** False where it can go nowhere any more. */
  send(packet: Packet): boolean {
    if (!this.isOpen) return false;
    this.#socket.send(generate(packet, { protocolVersion: this.#version }));
    return true;
  }

  /** The network is gone, and nothing of it is heard any more. */
  cut(): void {
    if (this.#isOver) return;
    this.wasCut = true;
    this.#socket.terminate();
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onClosed();
  }
}
