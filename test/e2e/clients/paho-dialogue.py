"""What a program with Paho Python does, one line of output per thing that worked: transport, port, version."""

import queue
import sys

import paho.mqtt.client as mqtt

TRANSPORT, PORT, VERSION = sys.argv[1], int(sys.argv[2]), sys.argv[3]
PROTOCOL = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311}[VERSION]
ROOT = f"python/{TRANSPORT}/{VERSION}"
GIVE_UP_SECONDS = 20


class Client:
    def __init__(self, name, clean=True, will=None):
        self.arrived = queue.Queue()
        self.events = queue.Queue()
        client_id = f"py-{TRANSPORT[:3]}-{VERSION}-{name}"
        self.mqtt = mqtt.Client(client_id, clean_session=clean, protocol=PROTOCOL, transport=TRANSPORT)
        if will is not None:
            self.mqtt.will_set(f"{ROOT}/{will}", "gone", qos=1)
        self.mqtt.on_connect = lambda client, data, flags, code: self.events.put(("connect", code))
        self.mqtt.on_subscribe = lambda client, data, mid, granted: self.events.put(("subscribe", granted))
        self.mqtt.on_disconnect = lambda client, data, code: self.events.put(("disconnect", code))
        self.mqtt.on_message = lambda client, data, message: self.arrived.put(message)
        self.mqtt.connect("127.0.0.1", PORT)
        self.mqtt.loop_start()
        self.expect("connect", 0)

    def expect(self, event, value):
        found = self.events.get(timeout=GIVE_UP_SECONDS)
        assert found == (event, value), found

    def subscribe(self, filter, qos=2):
        self.mqtt.subscribe(f"{ROOT}/{filter}", qos)
        self.expect("subscribe", (qos,))

    def publish(self, topic, payload, qos=1, retain=False):
        self.mqtt.publish(f"{ROOT}/{topic}", payload, qos, retain).wait_for_publish(GIVE_UP_SECONDS)

    def next(self):
        return self.arrived.get(timeout=GIVE_UP_SECONDS)

    def leave(self):
        self.mqtt.disconnect()
        self.expect("disconnect", 0)
        self.mqtt.loop_stop()

    def vanish(self):
        """The connection breaks without a DISCONNECT."""
        self.mqtt.loop_stop()
        self.mqtt._sock_close()


client = Client("main")
client.subscribe("qos/#")
for qos in (0, 1, 2):
    client.publish(f"qos/{qos}", f"sent at {qos}", qos)
    message = client.next()
    print(message.qos, message.topic.removeprefix(f"{ROOT}/"), message.payload.decode())

client.publish("retained", "kept", retain=True)
client.subscribe("retained")
message = client.next()
assert message.retain
print("retained", message.payload.decode())

client.subscribe("will")
Client("mortal", will="will").vanish()
print("will", client.next().payload.decode())

keeper = Client("keeper", clean=False)
keeper.subscribe("queue")
keeper.leave()
for number in (1, 2, 3):
    client.publish("queue", str(number), qos=2 if number == 2 else 1)
keeper = Client("keeper", clean=False)
print("queued", *sorted(keeper.next().payload.decode() for _ in range(3)))
keeper.leave()
client.leave()
