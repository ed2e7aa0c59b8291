// The Sql port over node:sqlite: storage contracts without workerd.

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { Sql, SqlRow, SqlValue } from "../../src/storage/sql.ts";

/** Rows written are those that statements say they changed: near to the platform's count, but not the bill. */
export class NodeSql implements Sql {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;
  #rowsRead = 0;
  #rowsWritten = 0;

  /** In memory, unless a path is given. */
  constructor(path = ":memory:") {
    this.#database = new DatabaseSync(path);
  }

  get rowsRead(): number {
    return this.#rowsRead;
  }

  get rowsWritten(): number {
    return this.#rowsWritten;
  }

  all<Row extends SqlRow>(statement: string, ...bindings: SqlValue[]): Row[] {
    const rows = this.#prepare(statement).all(...bindings.map(toInput)) as Row[];
    this.#rowsRead += rows.length;
    return rows.map((row) => ({ ...row })); // without node's null prototype
  }

  *each<Columns extends readonly SqlValue[]>(statement: string, ...bindings: SqlValue[]): Generator<Columns> {
    for (const row of this.#prepare(statement).iterate(...bindings.map(toInput))) {
      this.#rowsRead += 1;
      yield Object.values(row) as readonly SqlValue[] as Columns;
    }
  }

  run(statement: string, ...bindings: SqlValue[]): void {
    this.#rowsWritten += Number(this.#prepare(statement).run(...bindings.map(toInput)).changes);
  }

  /** Several statements at once, as in a dump. */
  script(statements: string): void {
    this.#database.exec(statements);
  }

  transaction<T>(body: () => T): T {
    const name = `level${this.#depth}`;
    this.#database.exec(`SAVEPOINT ${name}`);
    this.#depth += 1;
    try {
      const result = body();
      this.#database.exec(`RELEASE ${name}`);
      return result;
    } catch (fault) {
      this.#database.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
      throw fault;
    } finally {
      this.#depth -= 1;
    }
  }

  #prepare(statement: string): StatementSync {
    const known = this.#statements.get(statement);
    if (known !== undefined) return known;
    const prepared = this.#database.prepare(statement);
    this.#statements.set(statement, prepared);
    return prepared;
  }
}

const toInput = (value: SqlValue): SQLInputValue => (value instanceof ArrayBuffer ? new Uint8Array(value) : value);
