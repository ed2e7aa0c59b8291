// The synchronous SQL port: what stores see of a database. Two adapters: Durable Object storage and node:sqlite (tests).

export type SqlValue = string | number | null | ArrayBuffer | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

export interface Sql {
  /** Runs one statement and gives all rows. BLOBs come as Uint8Array. */
  all<Row extends SqlRow>(statement: string, ...bindings: SqlValue[]): Row[];
  /**
   * The rows of one statement as they are read, each as the list of its columns: for who reads many, or stops early.
   * Nothing else may run until it has stopped.
   */
  each<Columns extends readonly SqlValue[]>(statement: string, ...bindings: SqlValue[]): Iterable<Columns>;
  /** Runs one statement for its effect. */
  run(statement: string, ...bindings: SqlValue[]): void;
  /** Everything inside is written together or not at all; a throw rolls back and passes on. */
  transaction<T>(body: () => T): T;
  /** Rows read and written since the start, as the storage itself counts them (the bill). */
  readonly rowsRead: number;
  readonly rowsWritten: number;
}
