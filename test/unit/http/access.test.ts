// Who may ask at all: tokens, web pages, proxies, and brokers that nobody closed.

import { describe, expect, test } from "vitest";
import { createHttpApp } from "../../../src/http/router.ts";
import { bearer, origin, postJson, problemOf, startBroker, startClosedBroker, tokens, type Broker } from "./broker.ts";

const message = { topic: "news/a", payload: "x" };
const publishPath = "/api/v5/publish";

const ask = (broker: Broker, headers: Record<string, string>, query: string): Promise<Response> =>
  broker.ask(publishPath + query, { ...postJson(message), headers });

const put = (pageOrigin: string): RequestInit => ({ method: "PUT", body: "x", headers: { origin: pageOrigin } });

describe("tokens", () => {
  test.each([
    ["a bearer token", { authorization: `Bearer ${tokens.publisher}` }, ""],
    ["the scheme in lower case", { authorization: `bearer ${tokens.publisher}` }, ""],
    ["Basic with key and secret", { authorization: `Basic ${btoa(`publisher:${tokens.publisher}`)}` }, ""],
    ["a publish-only token in the URL", {}, `?access_token=${tokens.publisher}`],
  ])("%s is taken", async (_, headers, query) => {
    expect((await ask(startClosedBroker(), { ...headers }, query)).status).toBe(200);
  });

  test.each([
    ["none", {}, "", 401],
    ["an unknown one", { authorization: "Bearer nobody-0123456789" }, "", 401],
    ["Basic with another key", { authorization: `Basic ${btoa(`admin:${tokens.publisher}`)}` }, "", 401],
    ["Basic that is no base64", { authorization: "Basic *" }, "", 401],
    ["an expired one", { authorization: `Bearer ${tokens.expired}` }, "", 401],
    ["one in the URL that can do more than publish", {}, `?access_token=${tokens.reader}`, 401],
    ["one without the scope", { authorization: `Bearer ${tokens.admin}` }, "", 403],
    ["one of another namespace", { authorization: `Bearer ${tokens.elsewhere}` }, "", 403],
  ])("%s is refused, and no secret is answered or logged", async (_, headers, query, status) => {
    const broker = startClosedBroker();
    const response = await ask(broker, { ...headers }, query);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer realm="durable-mqtt"/u);
    const body = await problemOf(response);
    expect(body).toMatchObject({ status, instance: publishPath });
    expect(JSON.stringify([body, broker.log])).not.toContain("0123456789");
    expect(broker.log).toHaveLength(1);
    expect(broker.shards.size).toBe(0);
  });

  test("a token of the namespace is taken there", async () => {
    const broker = startClosedBroker();
    const response = await broker.ask("/n/lab/topics/a", { method: "PUT", body: "x", ...bearer(tokens.elsewhere) });
    expect(response.status).toBe(200);
    expect(broker.shard("lab", 0).published).toHaveLength(1);
  });

  test("an unknown namespace is 404 and creates nothing", async () => {
    const broker = startBroker();
    for (const path of ["/n/nowhere/mqtt", "/n/nowhere/topics/a", "/n/nowhere/healthz", "/n/a%2Fb/mqtt"]) {
      const response = await broker.ask(path);
      expect(await problemOf(response)).toMatchObject({ status: 404, instance: path });
    }
    expect(broker.shards.size + broker.upgrades.length).toBe(0);
  });
});

describe("brokers that must not serve", () => {
  test("one without credentials answers 503 to everything and says what to set", async () => {
    const broker = startBroker({});
    for (const path of ["/", "/mqtt", "/healthz", "/metrics", "/topics/a", "/no/such/path"]) {
      const response = await broker.ask(path);
      const body = await problemOf(response);
      expect(body).toMatchObject({ status: 503, detail: expect.stringContaining("USERS") });
    }
    expect(broker.shards.size).toBe(0);
  });

  test.each(["forwarded", "x-forwarded-for", "X-Forwarded-Proto", "x-forwarded-anything"])(
    "an anonymous one answers 503 to a request with %s",
    async (name) => {
      const broker = startBroker();
      for (const path of ["/mqtt", "/healthz", "/topics/a"]) {
        expect((await broker.ask(path, { headers: { [name]: "x" } })).status).toBe(503);
      }
      expect(broker.shards.size + broker.upgrades.length).toBe(0);
    },
  );

  test("an anonymous one answers 421 under a name that is not this machine's (DNS rebinding)", async () => {
    const broker = startBroker();
    const app = createHttpApp(broker.deps);
    for (const host of ["evil.example", "localhost.evil.example", "192.0.2.1", "127.0.0.1.evil.example"]) {
      const response = await app.fetch(
        new Request(`http://${host}/topics/a`, { headers: { origin: `http://${host}` } }),
      );
      expect(response.status).toBe(421);
    }
    expect((await app.fetch(new Request("http://localhost:8787/healthz"))).status).toBe(200);
  });

  test("one with credentials serves behind a proxy", async () => {
    const headers = { "x-forwarded-for": "192.0.2.1" };
    expect((await startClosedBroker().ask("/healthz", { headers })).status).toBe(200);
  });
});

describe("web pages", () => {
  test.each([
    ["the broker's own", origin, 200],
    ["localhost at any port", "http://localhost:3000", 200],
    ["a name below localhost", "http://app.localhost", 200],
    ["127/8", "https://127.1.2.3", 200],
    ["IPv6 loopback", "http://[::1]:5173", 200],
    ["a foreign one", "https://example.org", 403],
    ["one that looks like loopback", "http://localhost.example.org", 403],
    ["one that starts like loopback", "http://127.0.0.1.example.org", 403],
    ["an opaque one", "null", 403],
  ])("while anonymous: %s", async (_, pageOrigin, status) => {
    const broker = startBroker();
    const response = await broker.ask("/topics/a", put(pageOrigin));
    expect(response.status).toBe(status);
    const upgrade = await broker.ask("/mqtt", { headers: { upgrade: "websocket", origin: pageOrigin } });
    expect(upgrade.status).toBe(status === 200 ? 299 : 403);
    expect(response.headers.get("access-control-allow-origin")).toBe(status === 200 ? pageOrigin : null);
    expect(response.headers.get("vary")).toContain("Origin");
  });

  test("while anonymous a foreign page may ask for what changes nothing, and may not read the answer", async () => {
    const response = await startBroker().ask("/healthz", { headers: { origin: "https://example.org" } });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([200, null]);
  });

  test("where credentials are required any origin may ask", async () => {
    const init = {
      method: "POST",
      body: "x",
      headers: { ...bearer(tokens.publisher).headers, origin: "https://a.org" },
    };
    const response = await startClosedBroker().ask("/topics/news/a", init);
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([200, "https://a.org"]);
    expect(response.headers.get("access-control-expose-headers")).toContain("mqtt-user-properties");
  });

  test("ALLOWED_ORIGINS is the whole list, and requests without an origin pass", async () => {
    const broker = startBroker({ ANONYMOUS: "loopback", ALLOWED_ORIGINS: "https://app.example" });
    expect((await broker.ask("/topics/a", put("https://app.example"))).status).toBe(200);
    expect((await broker.ask("/topics/a", put("http://localhost"))).status).toBe(403);
    expect((await broker.ask("/topics/a", { method: "PUT", body: "x" })).status).toBe(200);
  });

  test("a problem can be read by an admitted page, too", async () => {
    const response = await startBroker().ask("/topics/a", { headers: { origin: "http://localhost" } });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([404, "http://localhost"]);
  });

  test("a preflight needs no token and names methods and headers", async () => {
    const headers = { origin: "https://a.org", "access-control-request-method": "PUT" };
    const response = await startClosedBroker().ask("/topics/a", { method: "OPTIONS", headers });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://a.org");
    expect(response.headers.get("access-control-allow-methods")).toContain("PUT");
    expect(response.headers.get("access-control-allow-headers")).toMatch(/authorization.*mqtt-qos/u);
  });

  test("a preflight of a foreign page is refused", async () => {
    const headers = { origin: "https://a.org", "access-control-request-method": "PUT" };
    const response = await startBroker().ask("/topics/a", { method: "OPTIONS", headers });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([403, null]);
  });
});
