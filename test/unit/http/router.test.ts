// Routes, methods, upgrades, health, metrics and the OpenAPI document.

import { describe, expect, test } from "vitest";
import { createHttpApp } from "../../../src/http/router.ts";
import { openApiDocument } from "../../../src/http/openapi.ts";
import { routes } from "../../../src/http/routes.ts";
import { bearer, origin, problemOf, startBroker, startClosedBroker, tokens, type Broker } from "./broker.ts";

const upgrade = (offered?: string): RequestInit => ({
  headers: { upgrade: "WebSocket", ...(offered === undefined ? {} : { "sec-websocket-protocol": offered }) },
});

const passedOn = ({ upgrades }: Broker): (string | null)[] =>
  upgrades.map(({ request }) => request.headers.get("sec-websocket-protocol"));

describe("GET /mqtt", () => {
  test.each([
    [undefined, null],
    ["mqtt", "mqtt"],
    ["mqttv3.1", "mqttv3.1"],
    ["mqttv3.1, mqtt", "mqtt"],
    ["graphql-ws,mqtt", "mqtt"],
  ])("[MQTT-6.0.0-4] the offer %s is passed on as %s", async (offered, selected) => {
    const broker = startBroker();
    expect((await broker.ask("/mqtt", upgrade(offered))).status).toBe(299);
    expect(passedOn(broker)).toEqual([selected]);
    expect(broker.upgrades[0]?.request.headers.get("upgrade")).toBe("WebSocket");
  });

  test("[MQTT-6.0.0-3] only other sub-protocols offered: 400, and a line in the log", async () => {
    const broker = startBroker();
    expect((await broker.ask("/mqtt", upgrade("graphql-ws"))).status).toBe(400);
    expect(broker.log).toMatchObject([{ event: "upgrade-refused", status: 400 }]);
  });

  test("no upgrade: 426", async () => {
    const response = await startBroker().ask("/mqtt");
    expect([response.status, response.headers.get("upgrade")]).toEqual([426, "websocket"]);
  });

  test("needs no token: credentials come in CONNECT", async () => {
    expect((await startClosedBroker().ask("/n/lab/mqtt", upgrade())).status).toBe(299);
  });

  test("the answer goes back untouched, the query reaches the shard", async () => {
    const broker = startBroker();
    const response = await broker.ask("/mqtt?clientId=x", upgrade("mqtt"));
    expect([...response.headers]).toEqual([]);
    expect(broker.upgrades[0]?.request.url).toBe(`${origin}/mqtt?clientId=x`);
    expect(broker.upgrades[0]?.namespace).toBe("default");
  });
});

describe("methods and paths", () => {
  test("an unknown path is 404", async () => {
    expect(await problemOf(await startBroker().ask("/nothing?access_token=x"))).toMatchObject({
      status: 404,
      instance: "/nothing",
    });
  });

  test.each([
    ["/mqtt", "POST", "GET, HEAD, OPTIONS"],
    ["/api/v5/publish", "GET", "POST, OPTIONS"],
    ["/topics/a", "PATCH", "GET, POST, PUT, DELETE, HEAD, OPTIONS"],
  ])("%s does not take %s: 405 with Allow", async (path, method, allow) => {
    const response = await startBroker().ask(path, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
    expect(await problemOf(response)).toMatchObject({ code: "METHOD_NOT_ALLOWED" });
  });

  test("OPTIONS that is no preflight names the methods", async () => {
    const response = await startBroker().ask("/api/v5/publish", { method: "OPTIONS" });
    expect([response.status, response.headers.get("allow")]).toEqual([204, "POST, OPTIONS"]);
  });

  test("the example page is a file beside the broker, in every namespace", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback", NAMESPACES: "lab" });
    for (const prefix of ["", "/n/lab"]) {
      const bare = await broker.ask(`${prefix}/example`, { redirect: "manual" });
      expect([bare.status, bare.headers.get("location")]).toEqual([308, `${prefix}/example/`]);
      expect(await (await broker.ask(`${prefix}/example/`)).text()).toBe("<!doctype html>");
      expect((await broker.ask(`${prefix}/example/none`)).status).toBe(404);
    }
  });

  test("the landing text names every route", async () => {
    const text = await (await startBroker().ask("/")).text();
    for (const { documentedAs } of routes.filter(({ isInternal }) => isInternal !== true))
      expect(text).toContain(documentedAs);
    expect(text).toContain("ws://127.0.0.1:8787/mqtt");
  });

  test("a bug is 500 without its message and stack, which go to the log", async () => {
    const { config } = startBroker();
    const log: unknown[] = [];
    const app = createHttpApp({
      config,
      log: (record) => log.push(record),
      upgrade: () => Promise.reject(new Error("inner secret")),
      layout: () => Promise.resolve({ number: 1, shards: 1, subtreeDepth: 1, depthByPrefix: [], hashSeed: 0 }),
      freshLayout: () => Promise.reject(new Error("unused")),
      layoutChange: () => Promise.reject(new Error("unused")),
      shard: () => {
        throw new Error("unused");
      },
      asset: () => Promise.reject(new Error("unused")),
      now: () => 0,
    });
    const response = await app.fetch(new Request(`${origin}/mqtt`, { headers: { upgrade: "websocket" } }));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toMatch(/inner secret|\.ts/u);
    expect(log).toMatchObject([{ event: "http-failed", reason: "Error: inner secret" }]);
  });
});

describe("GET /healthz", () => {
  test("200 once every shard of every namespace is ready, without credentials", async () => {
    const broker = startClosedBroker();
    const response = await broker.ask("/healthz");
    expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
    expect([...broker.shards.keys()].sort()).toEqual(["default/0", "lab/0"]);
  });

  test("503 where one shard is not ready; other namespaces do not matter under /n/", async () => {
    const broker = startClosedBroker();
    broker.shard("lab", 0).failure = new Error("starting");
    expect((await broker.ask("/healthz")).status).toBe(503);
    expect((await broker.ask("/n/lab/healthz")).status).toBe(503);
    expect((await broker.ask("/n/default/healthz")).status).toBe(200);
  });
});

describe("GET /metrics", () => {
  test("sums the shards, family by family", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback" }, 2);
    broker.shard("default", 0).values = {
      counters: { 'dropped{reason="queue"}': 1, messages_received_total: 5, 'dropped{reason="acl"}': 2 },
      gauges: { connections: 3 },
    };
    broker.shard("default", 1).values = {
      counters: { messages_received_total: 7, 'dropped{reason="acl"}': 1 },
      gauges: { connections: 4 },
    };
    const response = await broker.ask("/metrics");
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/u);
    expect(await response.text()).toBe(
      [
        "# TYPE mqtt_dropped_total counter",
        'mqtt_dropped_total{reason="queue"} 1',
        'mqtt_dropped_total{reason="acl"} 3',
        "# TYPE mqtt_messages_received_total counter",
        "mqtt_messages_received_total 12",
        "# TYPE mqtt_connections gauge",
        "mqtt_connections 7",
        "",
      ].join("\n"),
    );
  });

  test("503 rather than a sum without one shard", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback" }, 2);
    broker.shard("default", 1).failure = new Error("gone");
    expect((await broker.ask("/metrics")).status).toBe(503);
  });

  test("needs the scope admin", async () => {
    const broker = startClosedBroker();
    expect((await broker.ask("/metrics")).status).toBe(401);
    expect((await broker.ask("/metrics", bearer(tokens.publisher))).status).toBe(403);
    expect((await broker.ask("/metrics", bearer(tokens.admin))).status).toBe(200);
  });
});

describe("GET /openapi.json", () => {
  test("holds every route and method, and no other", async () => {
    const documented = Object.entries(openApiDocument.paths).map(([path, item]) => [
      path,
      Object.keys(item)
        .filter((key) => key !== "parameters")
        .sort(),
    ]);
    const served = routes.map(({ documentedAs, operations }) => [
      documentedAs,
      Object.keys(operations)
        .map((method) => method.toLowerCase())
        .sort(),
    ]);
    expect(documented).toEqual(served);
  });

  test("says security: [] exactly where no token is needed", () => {
    const publicPaths = Object.entries(openApiDocument.paths)
      .filter(([, item]) => JSON.stringify(item).includes('"security":[]'))
      .map(([path]) => path);
    const open = routes.filter(({ operations }) => operations.GET?.requires === "nothing");
    expect(publicPaths).toEqual(open.map(({ documentedAs }) => documentedAs));
  });

  test("is served with any token", async () => {
    const broker = startClosedBroker();
    expect((await broker.ask("/openapi.json")).status).toBe(401);
    const response = await broker.ask("/openapi.json", bearer(tokens.publisher));
    expect(await response.json()).toMatchObject({ openapi: "3.1.0" });
  });
});
