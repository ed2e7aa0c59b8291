// The test projects: what runs in plain Node, inside workerd, and against the self-hosted broker.

import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { userVariables } from "./test/support/scram-users.ts";

/** A broker starts, a browser starts, a client waits for its keep-alive: generous, for slow machines. */
const E2E_TIMEOUT_MS = 120_000;
const WORKERS_TIMEOUT_MS = 30_000;
const LARGE_TIMEOUT_MS = 1_200_000;

/** The Worker as the self-hosted start serves it on loopback: open to everyone. */
const openWorker = (variables: Record<string, string> = {}) =>
  cloudflareTest({
    wrangler: { configPath: "./wrangler.toml" },
    miniflare: { bindings: { ANONYMOUS: "loopback", ...variables } },
  });

/** Small enough to be passed in a test. */
const smallLimits = {
  MAXIMUM_PACKET_SIZE: "100000",
  CONNECT_TIMEOUT_MS: "300",
  MAXIMUM_SOCKETS: "5",
  MAXIMUM_USER_PROPERTIES: "3",
  SLOW_CONSUMER_SOFT_BYTES: "50000",
  SLOW_CONSUMER_HARD_BYTES: "300000",
  MAXIMUM_UNSENT_BYTES: "400000",
};

/** The least that a Worker may offer, and each feature taken away. */
const fewFeatures = {
  RECEIVE_MAXIMUM: "2",
  MAXIMUM_PACKET_SIZE: "200",
  TOPIC_ALIAS_MAXIMUM: "1",
  MAXIMUM_QOS: "1",
  RETAIN_AVAILABLE: "false",
  WILDCARD_SUBSCRIPTION_AVAILABLE: "false",
  SUBSCRIPTION_IDENTIFIERS_AVAILABLE: "false",
  SHARED_SUBSCRIPTION_AVAILABLE: "false",
  SERVER_KEEP_ALIVE: "50",
  MAXIMUM_SESSION_EXPIRY_INTERVAL: "100",
  RESPONSE_INFORMATION: "re/${clientid}",
  VALIDATE_PAYLOAD_FORMAT: "true",
};

/** As in the built Worker; one file at a time, `readable-stream` is evaluated twice and stumbles over itself. */
const bundledDependencies = { optimizer: { ssr: { enabled: true, include: ["mqtt-packet"] } } };

export default defineConfig({
  test: {
    // Vitest leaves one core to itself, which it hardly uses.
    maxWorkers: availableParallelism(),
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/fuzz/**/*.test.ts"],
        },
      },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
        },
      },
      {
        plugins: [openWorker()],
        test: {
          name: "workers",
          deps: bundledDependencies,
          include: ["test/workers/**/*.test.ts"],
          exclude: ["test/workers/limits.test.ts", "test/workers/v5-scram.test.ts"],
          testTimeout: WORKERS_TIMEOUT_MS,
        },
      },
      {
        plugins: [openWorker(userVariables)],
        test: {
          name: "workers-users",
          deps: bundledDependencies,
          include: ["test/workers/v5-scram.test.ts"],
          testTimeout: WORKERS_TIMEOUT_MS,
        },
      },
      {
        plugins: [openWorker(smallLimits)],
        test: {
          name: "workers-limits",
          deps: bundledDependencies,
          include: ["test/workers/limits.test.ts"],
          testTimeout: WORKERS_TIMEOUT_MS,
        },
      },
      {
        plugins: [openWorker({ SOCKETS: "accept" })],
        test: {
          name: "workers-accept",
          deps: bundledDependencies,
          include: ["test/workers/commit-gate.test.ts", "test/workers/messages.test.ts"],
          testTimeout: WORKERS_TIMEOUT_MS,
        },
      },
      {
        // A dialogue that waits for this limit waits in earnest: it is a timer, not the alarm.
        plugins: [openWorker({ CONNECT_TIMEOUT_MS: "1000" })],
        test: {
          name: "conformance",
          deps: bundledDependencies,
          include: ["test/conformance/**/*.test.ts"],
          testTimeout: WORKERS_TIMEOUT_MS,
        },
      },
      {
        plugins: [openWorker({ CONNECT_TIMEOUT_MS: "1000", SHARDS: "3" })],
        test: {
          name: "conformance-3-shards",
          deps: bundledDependencies,
          include: ["test/conformance/v*.test.ts"],
          testTimeout: WORKERS_TIMEOUT_MS,
        },
      },
      {
        plugins: [openWorker(fewFeatures)],
        test: {
          name: "conformance-features",
          deps: bundledDependencies,
          include: ["test/features/**/*.test.ts"],
          testTimeout: WORKERS_TIMEOUT_MS,
        },
      },
      {
        test: {
          name: "soak",
          include: ["test/soak/**/*.test.ts"],
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
          fileParallelism: false,
        },
      },
      {
        // On demand (`npm run test:large`): minutes each, at the sizes that users have.
        test: {
          name: "large",
          include: ["test/large/**/*.large.ts"],
          testTimeout: LARGE_TIMEOUT_MS,
          hookTimeout: LARGE_TIMEOUT_MS,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: E2E_TIMEOUT_MS,
          hookTimeout: E2E_TIMEOUT_MS,
          // Ports, descriptors and cores are shared: one file at a time keeps timings honest.
          fileParallelism: false,
        },
      },
    ],
  },
});
