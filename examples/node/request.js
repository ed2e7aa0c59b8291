// Request and response with MQTT 5: asks a question and waits for the answer, with a service for it in the same program.
// node examples/node/request.js [ws://HOST/mqtt]
import { randomBytes } from "node:crypto";
import mqtt from "mqtt";

const url = process.argv[2] ?? "ws://127.0.0.1:8787/mqtt";
const connect = () =>
  mqtt.connectAsync(url, {
    protocolVersion: 5,
    username: process.env.MQTT_USERNAME,
    password: process.env.MQTT_PASSWORD,
  });

// The service. Who asks says where the answer goes, and by what it is known.
const service = await connect();
service.on("message", (_topic, payload, { properties }) => {
  if (properties?.responseTopic === undefined) return;
  const { responseTopic, correlationData } = properties;
  service.publish(responseTopic, payload.toString().toUpperCase(), { qos: 1, properties: { correlationData } });
});
await service.subscribeAsync("chat/upper", { qos: 1 });

// Who asks. The answers of all its questions come to one topic of its own.
const asker = await connect();
const responseTopic = `replies/${randomBytes(8).toString("hex")}`;
const waiting = new Map();
asker.on("message", (_topic, payload, { properties }) => {
  waiting.get(properties?.correlationData?.toString())?.(payload.toString());
});
await asker.subscribeAsync(responseTopic, { qos: 1 });

async function ask(question) {
  const id = randomBytes(8).toString("hex");
  const answer = new Promise((resolve) => waiting.set(id, resolve));
  await asker.publishAsync("chat/upper", question, {
    qos: 1,
    properties: { responseTopic, correlationData: Buffer.from(id), messageExpiryInterval: 30 },
  });
  return answer.finally(() => waiting.delete(id));
}

console.log(await ask("hello from Node"));
await Promise.all([asker.endAsync(), service.endAsync()]);
