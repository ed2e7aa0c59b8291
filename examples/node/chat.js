// Subscribes, publishes one message and prints what comes: node examples/node/chat.js [ws://HOST/mqtt]
import mqtt from "mqtt";

const url = process.argv[2] ?? "ws://127.0.0.1:8787/mqtt";
const client = await mqtt.connectAsync(url, {
  clientId: "node-example",
  protocolVersion: 5,
  // A session that is kept for a day: what others publish while this program is not running (QoS 1 and 2) waits for it.
  clean: false,
  properties: { sessionExpiryInterval: 24 * 3600 },
  username: process.env.MQTT_USERNAME,
  password: process.env.MQTT_PASSWORD,
});

client.on("message", (topic, payload, { qos, retain }) => {
  console.log(`${topic}: ${payload} (QoS ${qos}${retain ? ", retained" : ""})`);
});

await client.subscribeAsync("chat/#", { qos: 1 });
await client.publishAsync("chat/hello", "hello from Node", { qos: 1 });
console.log("press Ctrl-C to leave");

process.on("SIGINT", () => client.end());
