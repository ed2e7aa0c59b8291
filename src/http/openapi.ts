// `GET /openapi.json`: the API as OpenAPI 3.1, kept by hand; a test holds it equal to the routes.

import { version } from "../core/version.ts";
import { backupContentType } from "./backup-lines.ts";
import { maximumExpirySec } from "./message-options.ts";
import { maximumBulkMessages } from "./publish.ts";

export function handleOpenApi(): Response {
  return Response.json(openApiDocument);
}

const reference = (name: string): object => ({ $ref: `#/components/schemas/${name}` });

const json = (description: string, schema: object): object => ({
  description,
  content: { "application/json": { schema } },
});

const failure = (description: string): object => ({
  description,
  content: { "application/problem+json": { schema: reference("Problem") } },
});

const authFailures = {
  "401": failure("No token, or not a known one"),
  "403": failure("The token does not cover the namespace, the operation or the topic; or a foreign web page"),
};
const publishFailures = {
  "400": failure("A field, an option or the topic is wrong; nothing was published"),
  ...authFailures,
  "413": failure("Too large"),
  "409": failure("A request with this idempotency key is still running: see Retry-After"),
  "415": failure("A compressed body"),
  "422": failure("The idempotency key was used for another request"),
  "429": failure("Over a rate: see Retry-After. For a bulk of which some messages were taken an array, as with 503"),
  "503": failure("Refused for want of room, or the topic's shard did not answer"),
};
const replayed = {
  "Idempotency-Replayed": { description: "`true`: the first answer to this key", schema: { type: "string" } },
};
const published = {
  "200": { ...json("Delivered, queued or retained", reference("Published")), headers: replayed },
  "202": { ...json("Taken, and nobody wants it", reference("Published")), headers: replayed },
};

const namespaceNote = "Also under `/n/{namespace}`.";

const text = { type: "string" };
const query = (name: string, description: string, schema: object = text): object => ({
  name,
  in: "query",
  description,
  schema,
});

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  description: "A repeat within 24 hours gets the first answer and publishes nothing",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

const qos = { type: "integer", enum: [0, 1, 2], default: 0 };
const expirySec = { type: "integer", minimum: 0, maximum: maximumExpirySec };
const messageOptions = [
  query("qos", "Header: mqtt-qos", qos),
  query("messageExpiry", "Seconds. Header: mqtt-message-expiry", expirySec),
  query("contentType", "Header: mqtt-content-type, or else content-type"),
  query("responseTopic", "Header: mqtt-response-topic"),
  query("correlationData", "Base64. Header: mqtt-correlation-data"),
  query("userProperties", 'Base64 of `[{"name":"value"}]`. Header: mqtt-user-properties'),
  query("payloadFormatIndicator", "1 or UTF8_DATA: the payload is UTF-8. Header: mqtt-payload-format-indicator"),
];
const retainOption = query("retain", "Header: mqtt-retain", { type: "boolean", default: false });

const rawBody = { content: { "*/*": { schema: { type: "string", format: "binary" } } } };
const jsonBody = (schema: object): object => ({ required: true, content: { "application/json": { schema } } });

const backupLines = { [backupContentType]: { schema: { type: "string" } } };
const count = { type: "integer" };

const topicPath = (topicParameter: object): object => ({
  parameters: [topicParameter],
  get: {
    summary: "Read the retained value",
    responses: {
      "200": { description: "The payload; its properties are in `mqtt-*` headers", ...rawBody },
      "400": failure("Not a topic name"),
      ...authFailures,
      "404": failure("No retained value"),
      "503": failure("The topic's shard did not answer"),
    },
  },
  post: {
    summary: "Publish the body",
    parameters: [...messageOptions, retainOption, idempotencyKey],
    requestBody: rawBody,
    responses: { ...published, ...publishFailures },
  },
  put: {
    summary: "Publish the body as the retained value; an empty body clears it",
    parameters: [...messageOptions, idempotencyKey],
    requestBody: rawBody,
    responses: { ...published, ...publishFailures },
  },
  delete: {
    summary: "Clear the retained value",
    parameters: [idempotencyKey],
    responses: { "204": { description: "Cleared", headers: replayed }, ...publishFailures },
  },
});

const textsByName = { type: "object", additionalProperties: text };

const messageProperties = {
  type: "object",
  properties: {
    payload_format_indicator: { type: "integer", enum: [0, 1] },
    message_expiry_interval: { ...expirySec, description: "Seconds" },
    response_topic: text,
    correlation_data: text,
    user_properties: {
      oneOf: [textsByName, { type: "array", items: textsByName }],
      description: "The array for names that come more than once, or in an order of their own",
    },
    content_type: text,
  },
};

export const openApiDocument = {
  openapi: "3.1.0",
  info: { title: "Durable MQTT", version, description: namespaceNote },
  servers: [
    { url: "/", description: "The namespace `default`" },
    { url: "/n/{namespace}", variables: { namespace: { default: "default" } } },
  ],
  security: [{ bearer: [] }, { basic: [] }, { accessToken: [] }],
  paths: {
    "/": {
      get: { summary: "The endpoints, as text", security: [], responses: { "200": { description: "Text" } } },
    },
    "/example/": {
      get: {
        summary: "A web page to try the broker with",
        security: [],
        responses: { "200": { description: "HTML" } },
      },
    },
    "/mqtt": {
      get: {
        summary: "MQTT over WebSocket, sub-protocol mqtt or mqttv3.1",
        security: [],
        responses: {
          "101": { description: "MQTT from here on" },
          "400": failure("Only unknown sub-protocols offered"),
          "403": failure("A page of a foreign origin"),
          "426": failure("Not a WebSocket upgrade"),
          "503": failure("Not served"),
        },
      },
    },
    "/healthz": {
      get: {
        summary: "Whether every shard would serve",
        security: [],
        responses: { "200": { description: "It would" }, "503": failure("It would not") },
      },
    },
    "/metrics": {
      get: {
        summary: "Prometheus text, all shards summed",
        responses: {
          "200": { description: "Metrics", content: { "text/plain": { schema: text } } },
          ...authFailures,
          "503": failure("Not every shard answered"),
        },
      },
    },
    "/backup": {
      get: {
        summary: "Export sessions, subscriptions, queues, retained messages and wills",
        responses: {
          "200": { description: "A header, a line for each record, an end", content: backupLines },
          ...authFailures,
          "503": failure("A shard does not answer, or the layout is changing"),
        },
      },
      post: {
        summary: "Import what an export gave",
        requestBody: { required: true, content: backupLines },
        responses: {
          "200": json("All of it was taken in", reference("Imported")),
          "400": failure("A line is wrong, or the end is missing; the detail says how much before it is in"),
          ...authFailures,
          "415": failure("A compressed body"),
          "503": failure("A limit of the broker is reached, or a shard does not answer; send the same export again"),
        },
      },
    },
    "/openapi.json": {
      get: { summary: "This document", responses: { "200": { description: "OpenAPI 3.1" }, ...authFailures } },
    },
    "/api/v5/publish": {
      post: {
        summary: "Publish one message",
        parameters: [idempotencyKey],
        requestBody: jsonBody(reference("Message")),
        responses: { ...published, ...publishFailures },
      },
    },
    "/api/v5/publish/bulk": {
      post: {
        summary: "Publish several messages, or none where one is wrong",
        parameters: [idempotencyKey],
        requestBody: jsonBody({ type: "array", items: reference("Message"), maxItems: maximumBulkMessages }),
        responses: {
          "200": json("Each delivered, queued or retained", { type: "array", items: reference("Published") }),
          "202": json("One at least that nobody wants", { type: "array", items: reference("Published") }),
          ...publishFailures,
          "503": json("One at least refused or without a verdict", { type: "array", items: reference("Published") }),
        },
      },
    },
    "/api/v5/clients/{clientid}": {
      delete: {
        summary: "Close a client's connection, with DISCONNECT 0x98; its session stays",
        parameters: [
          { name: "clientid", in: "path", required: true, description: "Percent-encoded, `/` too", schema: text },
        ],
        responses: {
          "204": { description: "Closed" },
          "400": failure("The client identifier is not percent-encoded UTF-8"),
          ...authFailures,
          "404": failure("It is not connected"),
          "503": failure("The client's shard did not answer"),
        },
      },
    },
    "/stop": {
      post: {
        summary: "The self-hosted start says that its process ends; anybody else gets 404",
        parameters: [
          { name: "x-stop-token", in: "header", required: true, description: "The start's own", schema: text },
        ],
        responses: { "204": { description: "Clients were told" }, "404": failure("No such path") },
      },
    },
    "/topics": topicPath(query("topic", "For topics that a path cannot carry: with the levels `.` and `..`")),
    "/topics/{topic}": topicPath({
      name: "topic",
      in: "path",
      required: true,
      description: "May hold `/`; `%2F` is the same",
      schema: text,
    }),
  },
  components: {
    securitySchemes: {
      bearer: { type: "http", scheme: "bearer" },
      basic: { type: "http", scheme: "basic" },
      accessToken: { type: "apiKey", in: "query", name: "access_token", description: "Publish-only tokens" },
    },
    schemas: {
      Message: {
        type: "object",
        required: ["topic", "payload"],
        properties: {
          topic: text,
          payload: text,
          payload_encoding: { type: "string", enum: ["plain", "base64"], default: "plain" },
          qos,
          retain: { type: "boolean", default: false },
          idempotency_key: { ...text, description: "As the header; not in a bulk" },
          properties: messageProperties,
        },
      },
      Imported: {
        type: "object",
        properties: {
          exportId: text,
          sessions: count,
          sessionsKept: { ...count, description: "Existed already" },
          sessionsExpired: count,
          messages: count,
          messagesLeftOut: {
            ...count,
            description: "Those for whom they were did not come with this import: they existed, or have expired",
          },
          retained: count,
          retainedLeftOut: { ...count, description: "The broker's own is as new, or they have expired" },
          wills: count,
          willsLeftOut: count,
          partsKnown: { ...count, description: "Taken in by an earlier request, and not counted in this one" },
        },
      },
      Published: {
        type: "object",
        properties: { id: text, reason_code: { type: "integer" }, message: text },
      },
      Problem: {
        type: "object",
        required: ["type", "title", "status", "detail", "instance", "code", "message"],
        properties: {
          type: text,
          title: text,
          status: { type: "integer" },
          detail: text,
          instance: text,
          code: text,
          message: text,
          reason_code: { type: "integer" },
          errors: { type: "array", items: { type: "object" } },
        },
      },
    },
  },
};
