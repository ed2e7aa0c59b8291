// Whatever bytes a client sends, nothing throws, everybody else is served, and what the broker says is well-formed: the
// decoder, the core, the encoders and the attachments over mutated packets. More seeds than the few of every run:
// `FUZZ_SEEDS=5000 npx vitest run --project unit test/fuzz/hostile.test.ts`, from another first one on with
// `FUZZ_FROM=10000`. A seed that fails names itself.

import { expect, test } from "vitest";
import { PacketDecoder } from "../../src/codec/packet-decoder.ts";
import { encodeWithin } from "../../src/codec/encode-within.ts";
import { PublishEncoder } from "../../src/codec/publish-encoder.ts";
import type { Connection } from "../../src/core/connection.ts";
import { defaultFeatures } from "../../src/core/features.ts";
import type { ProtocolVersion } from "../../src/core/packet.ts";
import type { RecordingEffects } from "../support/recording-effects.ts";
import { randomOf } from "../support/random.ts";
import { publish1, upTo, type Client } from "../support/scene.ts";
import { SleepingScene } from "../support/sleeping-scene.ts";
import { referenceDecode } from "../unit/codec/reference.ts";
import { connectBytes, mutated, requestBytes } from "./mutation.ts";

const seeds = Number(process.env["FUZZ_SEEDS"] ?? 60);
const firstSeed = Number(process.env["FUZZ_FROM"] ?? 1);
const packetsPerSeed = 200;
const packetsAwake = 20;
const timeoutMsPerSeed = 1_000;
const versions: readonly ProtocolVersion[] = [3, 4, 5];
const clientIds = 4;
/** At the same time. */
const maximumOffenders = 3;
/** Of a hundred packets so many are changed; of a CONNECT depends whether there is more to see. */
const mutatedRequests = 40;
const mutatedConnects = 10;

interface Offender {
  readonly client: Client;
  readonly version: ProtocolVersion;
  /** A new one after each sleep. */
  decoder: PacketDecoder;
}

class Stage {
  readonly #random: (below: number) => number;
  readonly scene = new SleepingScene({ options: { features: defaultFeatures } });
  readonly #offenders: Offender[] = [];
  readonly #encoder = new PublishEncoder();
  readonly #encoding = new WeakSet<RecordingEffects>();

  constructor(seed: number) {
    this.#random = randomOf(seed);
    this.#encodeAll();
  }

  /** Every packet that is sent is encoded as it would be, and read by another codec. */
  #encodeAll(): void {
    const { effects } = this.scene;
    if (this.#encoding.has(effects)) return;
    this.#encoding.add(effects);
    const { send, deliver } = effects;
    effects.send = (connection, packet, leaves) => {
      const { protocolVersion, maximumPacketSize } = connection;
      this.#judge(encodeWithin(packet, protocolVersion, maximumPacketSize), connection);
      send.call(effects, connection, packet, leaves);
    };
    effects.deliver = (connection, message, header, leaves) => {
      const { protocolVersion: version, maximumPacketSize } = connection;
      const bytes = this.#encoder.encode(message, { nowMs: this.scene.nowMs, version, ...header });
      expect(bytes.length).toBeLessThanOrEqual(maximumPacketSize ?? Infinity);
      this.#judge(bytes.slice(), connection);
      deliver.call(effects, connection, message, header, leaves);
    };
  }

  #judge(bytes: Uint8Array | undefined, { protocolVersion }: Connection): void {
    if (bytes !== undefined) expect(referenceDecode(bytes, protocolVersion)).not.toBeInstanceOf(Error);
  }

  step(): void {
    const offender = this.#offenders[this.#random(maximumOffenders)] ?? this.#newcomer();
    const { client, decoder } = offender;
    const packet = requestBytes(offender.version, this.#random);
    decoder.push(this.#perhapsMutated(packet, mutatedRequests));
    this.#read(offender);
    this.#settle();
    if (client.connection.state.kind === "closed" || decoder.hasPartial) this.#end(offender);
  }

  #perhapsMutated(packet: Uint8Array, percent: number): Uint8Array {
    return this.#random(100) < percent ? mutated(packet, this.#random) : packet;
  }

  #newcomer(): Offender {
    const version = versions[this.#random(versions.length)] as ProtocolVersion;
    const offender = { client: this.scene.open(), version, decoder: new PacketDecoder(this.scene.broker.limits) };
    this.#offenders.push(offender);
    const packet = connectBytes(version, `c${this.#random(clientIds)}`, this.#random);
    offender.decoder.push(this.#perhapsMutated(packet, mutatedConnects));
    this.#read(offender);
    return offender;
  }

  #read({ client, decoder }: Offender): void {
    for (;;) {
      const packet = decoder.next();
      if (packet === undefined) return;
      if (packet.kind !== "violation") {
        client.send(packet);
        continue;
      }
      if (decoder.protocolVersion !== undefined) client.connection.protocolVersion = decoder.protocolVersion;
      this.scene.broker.onViolation(client.connection, packet, this.scene.nowMs);
      return;
    }
  }

  #end(offender: Offender): void {
    this.#offenders.splice(this.#offenders.indexOf(offender), 1);
    offender.client.drop();
    this.#settle();
  }

  #settle(): void {
    this.scene.flush();
    this.scene.pump();
  }

  /** Those that owe a CONNECT keep an object awake. */
  sleep(): void {
    const silent = this.#offenders.filter(({ client }) => client.connection.state.kind !== "connected");
    for (const offender of silent) this.#end(offender);
    this.scene.sleep();
    this.#encodeAll();
    const { limits } = this.scene.broker;
    for (const offender of this.#offenders) {
      offender.decoder = new PacketDecoder({ ...limits, protocolVersion: offender.client.connection.protocolVersion });
    }
    this.scene.pass(1);
    this.#settle();
  }
}

function run(seed: number): void {
  const stage = new Stage(seed);
  const { scene } = stage;
  const bystander = scene.subscriber("bystander", 1, ["own/topic"]);
  const publisher = scene.connect("publisher");
  for (const step of upTo(packetsPerSeed)) {
    stage.step();
    if (step % packetsAwake === 0) stage.sleep();
  }
  bystander.take();
  publisher.take();
  publisher.send(publish1("own/topic", "last", 1));
  expect([bystander.lines(), publisher.lines()]).toEqual([[expect.stringMatching(/=last q1/u)], ["puback 1"]]);
}

test(
  `mutated packets break nothing and nobody else, seeds ${firstSeed} to ${firstSeed + seeds - 1}`,
  () => {
    for (const seed of upTo(seeds, firstSeed)) {
      try {
        run(seed);
      } catch (fault) {
        throw new Error(`seed ${seed}`, { cause: fault });
      }
    }
  },
  seeds * timeoutMsPerSeed,
);
