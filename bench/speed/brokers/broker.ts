// What the suite knows of a broker under measurement, its own or another.

/** How a broker is set: as it is shipped, or so that nothing it acknowledged is lost at kill -9. */
export type Durability = "as shipped" | "nothing lost";

/** What not every broker has. A scenario names what it needs; a broker without it is shown as `–`. */
export type Feature = "QoS 2" | "durable sessions" | "retained by wildcard" | "REST publish";

export interface RunningBroker {
  readonly port: number;
  /** Path and query of the WebSocket upgrade, always on 127.0.0.1; where the broker has use for it, with the client id. */
  upgradePath(clientId: string): string;
  /** Base URL of the HTTP API, without a slash at the end; only of brokers with the feature "REST publish". */
  readonly httpUrl?: string;
  /** Resident memory of all its processes, in KiB. */
  residentKiB(): number;
  /** Processor time of all its processes since their start, user and system, in ms. */
  cpuMs(): number;
  /** The end of what its program has said; shown beside a fault. */
  output?(): string;
  /** Ends its processes, waits for them, and deletes its files. */
  stop(): Promise<void>;
}

export interface BrokerKind {
  /** As it stands in the table: `Mosquitto`, `null broker`, `3 shards`. */
  readonly name: string;
  readonly durability: Durability;
  readonly features: ReadonlySet<Feature>;
  /** MQTT versions, as in CONNECT. */
  readonly protocolVersions: ReadonlySet<4 | 5>;
  /** Its version, as its own program says it. */
  version(): Promise<string>;
  /** Starts it on an unused port with empty data; resolves when it accepts connections. */
  start(): Promise<RunningBroker>;
}
