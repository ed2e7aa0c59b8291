// Every route, once: its pattern for the router, its path in the OpenAPI document, and what each method needs. Each
// stands under `/` (the namespace `default`) and under `/n/{namespace}`.

import type { Requirement } from "./authenticate.ts";
import { handleExport } from "./backup-export.ts";
import { handleImport } from "./backup-import.ts";
import { handleClientDelete } from "./clients.ts";
import type { Handler } from "./deps.ts";
import { handleExample } from "./example.ts";
import { handleHealth } from "./health.ts";
import { handleLanding } from "./landing.ts";
import { handleMetrics } from "./metrics.ts";
import { handleOpenApi } from "./openapi.ts";
import { handlePublish, handlePublishBulk } from "./publish.ts";
import { handleStop } from "./stop.ts";
import { handleTopicDelete, handleTopicGet, handleTopicPost, handleTopicPut } from "./topics.ts";
import { handleUpgrade } from "./upgrade.ts";

export interface Operation {
  readonly requires: Requirement;
  readonly handle: Handler;
  /** The answer goes back untouched: it may be a 101, which holds the socket. */
  readonly isUpgrade?: true;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

export interface Route {
  readonly pattern: string;
  readonly documentedAs: string;
  /** For the process that runs the broker, not for its users. */
  readonly isInternal?: true;
  readonly operations: Readonly<Partial<Record<Method, Operation>>>;
}

const topicOperations: Route["operations"] = {
  // Retained values are what a subscription would bring.
  GET: { requires: "subscribe", handle: handleTopicGet },
  POST: { requires: "publish", handle: handleTopicPost },
  PUT: { requires: "publish", handle: handleTopicPut },
  DELETE: { requires: "publish", handle: handleTopicDelete },
};

export const routes: readonly Route[] = [
  { pattern: "/", documentedAs: "/", operations: { GET: { requires: "nothing", handle: handleLanding } } },
  {
    pattern: "/example/*",
    documentedAs: "/example/",
    operations: { GET: { requires: "nothing", handle: handleExample } },
  },
  {
    pattern: "/mqtt",
    documentedAs: "/mqtt",
    operations: { GET: { requires: "nothing", handle: handleUpgrade, isUpgrade: true } },
  },
  {
    pattern: "/healthz",
    documentedAs: "/healthz",
    operations: { GET: { requires: "nothing", handle: handleHealth } },
  },
  {
    pattern: "/metrics",
    documentedAs: "/metrics",
    operations: { GET: { requires: "admin", handle: handleMetrics } },
  },
  {
    pattern: "/backup",
    documentedAs: "/backup",
    operations: {
      GET: { requires: "admin", handle: handleExport },
      POST: { requires: "admin", handle: handleImport },
    },
  },
  {
    pattern: "/openapi.json",
    documentedAs: "/openapi.json",
    operations: { GET: { requires: "any", handle: handleOpenApi } },
  },
  {
    pattern: "/api/v5/publish",
    documentedAs: "/api/v5/publish",
    operations: { POST: { requires: "publish", handle: handlePublish } },
  },
  {
    pattern: "/api/v5/publish/bulk",
    documentedAs: "/api/v5/publish/bulk",
    operations: { POST: { requires: "publish", handle: handlePublishBulk } },
  },
  {
    pattern: "/api/v5/clients/:clientid",
    documentedAs: "/api/v5/clients/{clientid}",
    operations: { DELETE: { requires: "admin", handle: handleClientDelete } },
  },
  {
    pattern: "/stop",
    documentedAs: "/stop",
    isInternal: true,
    operations: { POST: { requires: "nothing", handle: handleStop } },
  },
  { pattern: "/topics", documentedAs: "/topics", operations: topicOperations },
  { pattern: "/topics/*", documentedAs: "/topics/{topic}", operations: topicOperations },
];

/** The value of `Allow`. */
export const allowOf = (route: Route): string =>
  [...Object.keys(route.operations), ...(route.operations.GET === undefined ? [] : ["HEAD"]), "OPTIONS"].join(", ");

/** A HEAD is a GET whose body nobody sends. */
export function operationOf(route: Route, method: string): Operation | undefined {
  const wanted = method === "HEAD" ? "GET" : method;
  return Object.entries(route.operations).find(([name]) => name === wanted)?.[1];
}
