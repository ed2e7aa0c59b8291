// Every storage contract, for one adapter.

import { logOnStorageContract } from "./log-on-storage-contract.ts";
import { migrationsContract } from "./migrations-contract.ts";
import type { WithSql } from "./port.ts";
import { sqlContract } from "./sql-contract.ts";
import {
  idempotencyStoreContract,
  linkStoreContract,
  messageLogStoreContract,
  metaStoreContract,
  overflowStoreContract,
  progressStoreContract,
  replayStoreContract,
  retainedStoreContract,
  sessionStoreContract,
  sharedGroupStoreContract,
  willStoreContract,
} from "./stores-contract.ts";

export function everyContract(withSql: WithSql): void {
  sqlContract(withSql);
  migrationsContract(withSql);
  metaStoreContract(withSql);
  sessionStoreContract(withSql);
  sharedGroupStoreContract(withSql);
  messageLogStoreContract(withSql);
  progressStoreContract(withSql);
  retainedStoreContract(withSql);
  willStoreContract(withSql);
  replayStoreContract(withSql);
  overflowStoreContract(withSql);
  linkStoreContract(withSql);
  idempotencyStoreContract(withSql);
  logOnStorageContract(withSql);
}
