// Scene on the core itself, over SQLite in memory: durable sessions pass many QoS 1 messages, while two others are away, one
// with a few messages in the same stretch of the log, one with none. The log is tidied as rarely as a shard that never
// idles does it.

import { ack, connect, publish1, Scene, upTo, type Client } from "../../support/scene.ts";

export interface IdleSessionPlan {
  readonly messages: number;
  /** Durable sessions on line, each of which gets every message. */
  readonly readers: number;
  /** Messages that wait for the idle session, spread over the first half. */
  readonly idleMessages: number;
  readonly samples: number;
}

/** After so many messages, and for the reads and the time since the sample before. */
export interface Sample {
  readonly messages: number;
  readonly chunkRows: number;
  readonly logBytes: number;
  readonly databaseBytes: number;
  readonly rowsReadPerMessage: number;
  readonly rowsWrittenPerMessage: number;
  readonly usPerMessage: number;
  readonly heapMiB: number;
}

export interface IdleSessionOutcome {
  readonly samples: readonly Sample[];
  /** What the idle session with messages got, and what it should get, in order. */
  readonly idleGot: readonly string[];
  readonly idleExpected: readonly string[];
  readonly emptyGot: readonly string[];
  /** Messages that all readers together got. */
  readonly delivered: number;
}

const MiB = 1024 * 1024;
const perFlush = 64;
/** As the shard has it (`flushesPerTidying`). */
const flushesPerTidying = 64;
const stored = { cleanStart: false, keepAliveSec: 0 } as const;
const text = "x".repeat(100);

export function passMillions(plan: IdleSessionPlan): IdleSessionOutcome {
  const scene = new Scene();
  for (const clientId of ["idle", "empty"]) scene.subscriber(clientId, 1, [clientId], stored).drop();
  const readers = upTo(plan.readers).map((number) => scene.subscriber(`reader-${number}`, 1, ["load"], stored));
  const publisher = scene.connect("publisher", { keepAliveSec: 0 });
  scene.flush();
  const meter = new Meter(scene);
  const idleExpected: string[] = [];
  let delivered = 0;
  const flushes = Math.ceil(plan.messages / perFlush);
  const idleEvery = Math.max(1, Math.floor(flushes / 2 / plan.idleMessages));
  const sampleEvery = Math.floor(flushes / plan.samples);
  for (let flush = 0; flush < flushes; flush += 1) {
    const isForIdle = flush % idleEvery === 0 && idleExpected.length < plan.idleMessages;
    if (isForIdle) {
      idleExpected.push(`idle-${flush}`);
      publisher.send(publish1("idle", `idle-${flush}`, 1));
    }
    for (let id = 1; id <= perFlush; id += 1) publisher.send(publish1("load", text, id + 1));
    scene.flush();
    publisher.take();
    publisher.packets();
    delivered += acknowledgeAll(scene, readers);
    if (flush % flushesPerTidying === 0) tidy(scene, readers);
    if (sampleEvery > 0 && (flush + 1) % sampleEvery === 0) meter.sample((flush + 1) * perFlush);
  }
  const [idleGot, emptyGot] = ["idle", "empty"].map((clientId) => comeBack(scene, clientId));
  return { samples: meter.samples, idleGot: idleGot ?? [], idleExpected, emptyGot: emptyGot ?? [], delivered };
}

/** What the idle save of a busy shard does. */
function tidy({ broker }: Scene, readers: readonly Client[]): void {
  for (const { connection } of readers) {
    if (connection.state.kind === "connected") broker.saveProgress(connection.state.session);
  }
  broker.log.compact();
}

const idIn = (line: string): number => Number(/ #(\d+)/.exec(line)?.[1]);

/** Until no reader is sent any more. */
function acknowledgeAll(scene: Scene, readers: readonly Client[]): number {
  let count = 0;
  for (let more = true; more;) {
    more = false;
    for (const reader of readers) {
      const ids = reader.take().map(idIn);
      count += ids.length;
      if (ids.length > 0) more = true;
      for (const id of ids) reader.send(ack("puback", id));
    }
    scene.pump();
  }
  return count;
}

function comeBack(scene: Scene, clientId: string): string[] {
  const client = scene.open();
  client.send(connect(clientId, stored));
  const payloads: string[] = [];
  for (;;) {
    scene.flush();
    const lines = client.lines().filter((line) => line.startsWith("publish"));
    if (lines.length === 0) return payloads;
    for (const line of lines) {
      payloads.push(/=(\S+) /.exec(line)?.[1] ?? line);
      client.send(ack("puback", idIn(line)));
    }
  }
}

class Meter {
  readonly samples: Sample[] = [];
  readonly #scene: Scene;
  #before: { messages: number; read: number; written: number; atMs: number };

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#before = this.#now(0);
  }

  sample(messages: number): void {
    const { sql, broker } = this.#scene;
    const now = this.#now(messages);
    const before = this.#before;
    const passed = messages - before.messages;
    const pragma = (name: string): number => sql.all<Record<string, number>>(`PRAGMA ${name}`)[0]?.[name] ?? 0;
    this.samples.push({
      messages,
      chunkRows: broker.log.chunkCount,
      logBytes: broker.log.bytes,
      databaseBytes: pragma("page_count") * pragma("page_size"),
      rowsReadPerMessage: (now.read - before.read) / passed,
      rowsWrittenPerMessage: (now.written - before.written) / passed,
      usPerMessage: ((now.atMs - before.atMs) * 1_000) / passed,
      heapMiB: process.memoryUsage().heapUsed / MiB,
    });
    this.#before = this.#now(messages);
  }

  #now(messages: number) {
    const { rowsRead: read, rowsWritten: written } = this.#scene.sql;
    return { messages, read, written, atMs: performance.now() };
  }
}
