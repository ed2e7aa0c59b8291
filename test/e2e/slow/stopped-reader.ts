// An MQTT 5 client over a raw TCP connection that stops reading: its buffers fill up to the broker, as those of a frozen
// process do.

import { connect, type Socket } from "node:net";
import { generate, parser, type Packet } from "mqtt-packet";

const protocolVersion = 5;
const opBinary = 0x82;
const opClose = 0x8;
const masked = 0x80;
const shortLength = 126;
const longLength = 127;

export interface StoppedReader {
  /** Reads on; gives all packets up to the end of the connection, and whether a Close frame came. */
  readonly readOn: () => Promise<{ packets: Packet[]; isClosed: boolean }>;
  readonly destroy: () => void;
}

/** Subscribes, takes the SUBACK, and stops reading. */
export async function stopReading(
  port: number,
  query: string,
  clientId: string,
  topic: string,
): Promise<StoppedReader> {
  const socket = connect(port, "127.0.0.1");
  const reader = new FrameReader(socket);
  socket.write(
    `GET /mqtt${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
  );
  await reader.upgraded;
  socket.write(frame({ cmd: "connect", clientId, protocolId: "MQTT", protocolVersion, clean: true, keepalive: 0 }));
  await reader.until("connack");
  socket.write(frame({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 1 }] }));
  await reader.until("suback");
  socket.pause();
  return {
    readOn: async () => {
      socket.resume();
      await reader.over;
      return { packets: reader.packets, isClosed: reader.isClosed };
    },
    destroy: () => socket.destroy(),
  };
}

function frame(packet: Packet): Buffer {
  const bytes = generate(packet, { protocolVersion });
  if (bytes.length >= shortLength) throw new Error("only short frames are sent");
  return Buffer.concat([Buffer.of(opBinary, masked | bytes.length, 0, 0, 0, 0), bytes]); // a mask of zeros
}

class FrameReader {
  readonly packets: Packet[] = [];
  readonly upgraded: Promise<void>;
  readonly over: Promise<void>;
  isClosed = false;
  readonly #parser = parser({ protocolVersion });
  #bytes = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #isUpgraded = false;
  #wake = (): void => {};
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#parser.on("packet", (packet) => this.packets.push(packet));
    this.upgraded = new Promise((resolve) => (this.#wake = resolve));
    this.over = new Promise((resolve) => socket.on("close", () => resolve()));
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      this.#parts.push(Buffer.from(bytes));
      this.#read();
      this.#wake();
    });
    socket.on("end", () => socket.end());
  }

  async until(cmd: string): Promise<void> {
    while (this.packets.at(-1)?.cmd !== cmd) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #read(): void {
    this.#bytes = Buffer.concat([this.#bytes, ...this.#parts.splice(0)]);
    if (!this.#isUpgraded) {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#isUpgraded = true;
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    for (let length = this.#frameLength(); length !== undefined; length = this.#frameLength()) {
      const [first = 0, second = 0] = this.#bytes;
      const header = second === longLength ? 10 : second === shortLength ? 4 : 2;
      if ((first & 0xf) === opClose) this.#onClose();
      else this.#parser.parse(this.#bytes.subarray(header, length));
      this.#bytes = this.#bytes.subarray(length);
    }
  }

  #onClose(): void {
    this.isClosed = true;
    this.#socket.end(Buffer.of(0x80 | opClose, masked, 0, 0, 0, 0));
  }

  /** Of the first frame, with its header; `undefined` where it is not whole yet. */
  #frameLength(): number | undefined {
    const bytes = this.#bytes;
    const second = bytes[1];
    if (second === undefined) return undefined;
    if (second < shortLength) return bytes.length >= 2 + second ? 2 + second : undefined;
    const header = second === shortLength ? 4 : 10;
    if (bytes.length < header) return undefined;
    const length = header + (second === shortLength ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)));
    return bytes.length >= length ? length : undefined;
  }
}
