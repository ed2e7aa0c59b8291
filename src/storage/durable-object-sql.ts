// The Sql port over a Durable Object's own database.

import type { Sql, SqlRow, SqlValue } from "./sql.ts";

/** The part of `DurableObjectStorage` that is used. */
export interface SqlHolder {
  readonly sql: {
    exec(
      query: string,
      ...bindings: SqlValue[]
    ): {
      raw(): Iterable<(ArrayBuffer | string | number | null)[]>;
      toArray(): Record<string, ArrayBuffer | string | number | null>[];
      readonly rowsRead: number;
      readonly rowsWritten: number;
    };
  };
  transactionSync<T>(closure: () => T): T;
}

export class DurableObjectSql implements Sql {
  readonly #storage: SqlHolder;
  #rowsRead = 0;
  #rowsWritten = 0;

  constructor(storage: SqlHolder) {
    this.#storage = storage;
  }

  get rowsRead(): number {
    return this.#rowsRead;
  }

  get rowsWritten(): number {
    return this.#rowsWritten;
  }

  all<Row extends SqlRow>(statement: string, ...bindings: SqlValue[]): Row[] {
    return this.#exec(statement, bindings) as Row[];
  }

  *each<Columns extends readonly SqlValue[]>(statement: string, ...bindings: SqlValue[]): Generator<Columns> {
    const cursor = this.#storage.sql.exec(statement, ...bindings);
    try {
      for (const columns of cursor.raw() as Iterable<SqlValue[]>) {
        columns.forEach((value, index) => {
          if (value instanceof ArrayBuffer) columns[index] = new Uint8Array(value);
        });
        yield columns as readonly SqlValue[] as Columns;
      }
    } finally {
      this.#rowsRead += cursor.rowsRead;
    }
  }

  run(statement: string, ...bindings: SqlValue[]): void {
    this.#exec(statement, bindings);
  }

  transaction<T>(body: () => T): T {
    return this.#storage.transactionSync(body);
  }

  #exec(statement: string, bindings: SqlValue[]): SqlRow[] {
    const cursor = this.#storage.sql.exec(statement, ...bindings);
    const rows: SqlRow[] = cursor.toArray();
    // The counts are right only once the cursor has been read to its end.
    this.#rowsRead += cursor.rowsRead;
    this.#rowsWritten += cursor.rowsWritten;
    for (const row of rows) viewBlobs(row);
    return rows;
  }
}

function viewBlobs(row: SqlRow): void {
  for (const column in row) {
    const value = row[column];
    if (value instanceof ArrayBuffer) row[column] = new Uint8Array(value);
  }
}
