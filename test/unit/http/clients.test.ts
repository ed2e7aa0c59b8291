// `DELETE /api/v5/clients/{clientid}`.

import { describe, expect, test } from "vitest";
import type { ClientId } from "../../../src/core/brand.ts";
import { shardOfClient } from "../../../src/core/placement.ts";
import { bearer, problemOf, startBroker, startClosedBroker, tokens } from "./broker.ts";

const path = "/api/v5/clients/";
const remove = { method: "DELETE" };

describe("DELETE /api/v5/clients/{clientid}", () => {
  test("204 where the client was connected, then 404; who did it is in the log", async () => {
    const broker = startClosedBroker();
    broker.shard("default", 0).connected.add("pump-1");
    const init = { ...remove, ...bearer(tokens.admin) };
    const response = await broker.ask(`${path}pump-1`, init);
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(broker.log).toEqual([
      {
        event: "client-disconnected",
        namespace: "default",
        principal: "admin",
        clientId: "pump-1",
        reasonCode: 0x98,
        reason: "closed over HTTP",
      },
    ]);
    expect(await problemOf(await broker.ask(`${path}pump-1`, init))).toMatchObject({ status: 404, code: "NOT_FOUND" });
    expect(broker.log).toHaveLength(1);
  });

  test.each([
    ["a%2Fb", "a/b"],
    ["%C3%A4%20%25", "ä %"],
    ["a:b", "a:b"],
    ["a+b", "a+b"],
  ])("%s is the client %s", async (encoded, clientId) => {
    const broker = startBroker();
    broker.shard("default", 0).connected.add(clientId);
    expect((await broker.ask(path + encoded, remove)).status).toBe(204);
  });

  test("asks the shard of the client, in its namespace, and no other", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback", NAMESPACES: "lab" }, 3);
    for (const clientId of ["a", "b", "c", "d", "e", "f"]) {
      const own = shardOfClient(clientId as ClientId, broker.layout);
      for (const index of [0, 1, 2]) broker.shard("lab", index).connected.add(clientId);
      expect((await broker.ask(`/n/lab${path}${clientId}`, remove)).status).toBe(204);
      const left = [0, 1, 2].filter((index) => broker.shard("lab", index).connected.has(clientId));
      expect(left).toEqual([0, 1, 2].filter((index) => index !== own));
    }
    expect([...broker.shards.keys()].every((key) => key.startsWith("lab/"))).toBe(true);
  });

  test.each([
    ["no token", {}, 401],
    ["a token that publishes", bearer(tokens.publisher), 403],
    ["a token that publishes and reads", bearer(tokens.reader), 403],
  ])("%s is refused, and the client stays", async (_, init, status) => {
    const broker = startClosedBroker();
    broker.shard("default", 0).connected.add("c");
    expect((await broker.ask(`${path}c`, { ...remove, ...init })).status).toBe(status);
    expect(broker.shard("default", 0).connected).toEqual(new Set(["c"]));
  });

  test("a page of a foreign origin is refused", async () => {
    const broker = startBroker();
    broker.shard("default", 0).connected.add("c");
    const init = { ...remove, headers: { origin: "https://elsewhere.example" } };
    expect((await broker.ask(`${path}c`, init)).status).toBe(403);
    expect(broker.shard("default", 0).connected.size).toBe(1);
  });

  test.each([
    [`${path}a%zz`, 400],
    [`${path}%FF`, 400],
    [path, 404],
    [`${path}a/b`, 404],
  ])("%s is answered with %i, and no shard is asked", async (where, status) => {
    const broker = startBroker();
    expect(await problemOf(await broker.ask(where, remove))).toMatchObject({ status });
    expect(broker.shards.size).toBe(0);
  });

  test("a shard that does not answer: 503, for it may have closed the connection or not", async () => {
    const broker = startBroker();
    broker.shard("default", 0).failure = new Error("gone");
    expect(await problemOf(await broker.ask(`${path}c`, remove))).toMatchObject({ status: 503 });
    expect(broker.log).toMatchObject([{ event: "shard-unreachable", clientId: "c" }]);
  });

  test("GET is not there: 405", async () => {
    const response = await startBroker().ask(`${path}c`);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "DELETE, OPTIONS"]);
  });
});
