// Messages put in place before something is measured: retained ones, an offline queue. As fast as a broker acknowledges.

import { putU16 } from "./bytes.ts";
import type { Client, Outbound } from "./client.ts";
import { firstByte, packetTypes, type PublishTemplate } from "./packets.ts";

const window = 32;

/** At QoS 1 or 2, as the packets say; resolves when all are acknowledged. */
export async function loadMessages(
  client: Client,
  count: number,
  packetOf: (n: number) => PublishTemplate,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.onLost = (reason) => reject(new Error(reason));
    const loader = new Loader(client, count, packetOf, resolve);
    client.outbound = loader;
    loader.pump();
  });
  client.outbound = undefined;
}

class Loader implements Outbound {
  readonly #client: Client;
  readonly #count: number;
  readonly #packetOf: (n: number) => PublishTemplate;
  readonly #onDone: () => void;
  #sent = 0;
  #acknowledged = 0;

  constructor(client: Client, count: number, packetOf: (n: number) => PublishTemplate, onDone: () => void) {
    this.#client = client;
    this.#count = count;
    this.#packetOf = packetOf;
    this.#onDone = onDone;
  }

  onAnswer(type: number, id: number): void {
    if (type === packetTypes.pubrec) {
      this.#client.answer(firstByte.pubrel, id);
      return;
    }
    this.#acknowledged += 1;
    if (this.#acknowledged === this.#count) this.#onDone();
  }

  pump(): void {
    const end = Math.min(this.#count, this.#acknowledged + Math.min(window, this.#client.connack.receiveMaximum));
    for (; this.#sent < end; this.#sent += 1) {
      const { bytes, idAt } = this.#packetOf(this.#sent);
      putU16(bytes, idAt, 1 + (this.#sent % window));
      this.#client.writer.send(bytes);
    }
    this.#client.writer.flush();
  }
}
