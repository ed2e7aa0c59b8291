"""What programs with Paho Python do in MQTT 5: transport, port, part. One line of output per thing that worked."""

import queue
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

TRANSPORT, PORT, PART = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ROOT = f"python/{TRANSPORT}/5"
GIVE_UP_SECONDS = 20


def properties_of(packet, **values):
    properties = Properties(packet)
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


class Client:
    def __init__(self, name, clean=True, will=None, will_properties=None, **connect):
        self.arrived = queue.Queue()
        self.events = queue.Queue()
        self.mqtt = mqtt.Client(f"py5-{TRANSPORT[:3]}-{name}" if name else "", protocol=mqtt.MQTTv5, transport=TRANSPORT)
        if will is not None:
            self.mqtt.will_set(f"{ROOT}/{will}", "gone", qos=1, properties=will_properties)
        self.mqtt.on_connect = self.on_connect
        self.mqtt.on_subscribe = lambda client, data, mid, codes, properties: self.on_codes("subscribe", codes)
        self.mqtt.on_unsubscribe = lambda client, data, mid, properties, codes: self.on_codes("unsubscribe", codes)
        self.mqtt.on_disconnect = lambda client, data, code, properties=None: self.events.put(("disconnect", int_of(code)))
        self.mqtt.on_message = lambda client, data, message: self.arrived.put(message)
        self.mqtt.connect("127.0.0.1", PORT, clean_start=clean, properties=properties_of(PacketTypes.CONNECT, **connect))
        self.mqtt.loop_start()
        self.expect("connect", 0)

    def on_connect(self, client, data, flags, code, properties):
        self.session_present = flags["session present"]
        self.connack = properties
        self.events.put(("connect", int_of(code)))

    def on_codes(self, event, codes):
        codes = codes if isinstance(codes, list) else [codes]
        self.events.put((event, [int_of(code) for code in codes]))

    def expect(self, event, value):
        found = self.events.get(timeout=GIVE_UP_SECONDS)
        assert found == (event, value), found

    def subscribe(self, filter, qos=2, identifier=None, **options):
        named = {} if identifier is None else {"SubscriptionIdentifier": identifier}
        properties = properties_of(PacketTypes.SUBSCRIBE, **named)
        self.mqtt.subscribe(filter, options=SubscribeOptions(qos, **options), properties=properties)
        self.expect("subscribe", [qos])

    def publish(self, topic, payload, qos=1, retain=False, properties=None):
        self.mqtt.publish(topic, payload, qos, retain, properties).wait_for_publish(GIVE_UP_SECONDS)

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


def int_of(code):
    return code if isinstance(code, int) else code.value


def dialogue():
    anonymous = Client("")
    assert anonymous.connack.AssignedClientIdentifier, anonymous.connack
    print("limits", anonymous.connack.ReceiveMaximum, anonymous.connack.MaximumPacketSize, anonymous.connack.TopicAliasMaximum)
    anonymous.leave()

    client = Client("main")
    client.subscribe(f"{ROOT}/properties", identifier=7)
    client.subscribe(f"{ROOT}/#", identifier=300)
    sent = properties_of(
        PacketTypes.PUBLISH,
        PayloadFormatIndicator=1,
        MessageExpiryInterval=3600,
        ContentType="text/plain",
        ResponseTopic=f"{ROOT}/answers",
        CorrelationData=b"\x00\x01\xff",
        UserProperty=[("z", "1"), ("a", "2"), ("z", "3")],
    )
    for qos in (0, 1, 2):
        client.publish(f"{ROOT}/properties", "grüße", qos, properties=sent)
        message = client.next()
        got = message.properties
        print(message.qos, message.payload.decode(), got.ContentType, got.PayloadFormatIndicator, got.CorrelationData.hex(), got.UserProperty)
        assert got.ResponseTopic == f"{ROOT}/answers" and sorted(got.SubscriptionIdentifier) == [7, 300], got
        assert 3590 < got.MessageExpiryInterval <= 3600, got
    client.mqtt.unsubscribe([f"{ROOT}/#", f"{ROOT}/nothing"])
    client.expect("unsubscribe", [0, 0x11])

    other = Client("other")
    client.subscribe(f"{ROOT}/own", noLocal=True)
    client.publish(f"{ROOT}/own", "mine")
    other.publish(f"{ROOT}/own", "another's")
    print("no local", client.next().payload.decode())
    client.publish(f"{ROOT}/kept", "kept", retain=True)
    for handling in (0, 1, 2):
        client.subscribe(f"{ROOT}/kept", retainHandling=handling, retainAsPublished=True)
        client.publish(f"{ROOT}/kept", f"mark {handling}")
    print("retained", *[client.next().payload.decode() for _ in range(4)])

    alias_a_topic(client, f"{ROOT}/alias")
    client.subscribe(f"{ROOT}/will")
    delayed = properties_of(PacketTypes.WILLMESSAGE, WillDelayInterval=1, UserProperty=[("b", "1"), ("a", "2")])
    Client("mortal", will="will", will_properties=delayed, SessionExpiryInterval=60).vanish()
    started = time.monotonic()
    will = client.next()
    print("will", will.payload.decode(), will.properties.UserProperty, time.monotonic() - started > 0.9)

    keeper = Client("keeper", clean=False, SessionExpiryInterval=600)
    keeper.subscribe(f"{ROOT}/queue")
    keeper.leave()
    for number in (1, 2, 3):
        client.publish(f"{ROOT}/queue", str(number), qos=2 if number == 2 else 1)
    keeper = Client("keeper", clean=False, SessionExpiryInterval=600, ReceiveMaximum=1)
    print("queued", bool(keeper.session_present), *[keeper.next().payload.decode() for _ in range(3)])
    twin = Client("keeper", clean=True)
    keeper.expect("disconnect", 0x8E)
    keeper.mqtt.loop_stop()
    print("taken over")
    for each in (twin, other, client):
        each.leave()


def alias_a_topic(client, topic):
    alias = properties_of(PacketTypes.PUBLISH, TopicAlias=1)
    client.subscribe(topic)
    client.publish(topic, "with its name", properties=alias)
    client.publish("", "without", properties=alias)
    print("alias", *[client.next().payload.decode() for _ in range(2)])


def responder():
    """Answers one request where its properties say."""
    client = Client("responder")
    client.subscribe(f"{ROOT}/requests")
    print("ready", flush=True)
    request = client.next()
    back = properties_of(PacketTypes.PUBLISH, CorrelationData=request.properties.CorrelationData)
    client.publish(request.properties.ResponseTopic, b"re: " + request.payload, properties=back)
    client.leave()


def requester():
    """Asks on the topic of the other client's choice and prints the answer."""
    client = Client("requester", RequestResponseInformation=1)
    answers = client.connack.ResponseInformation
    client.subscribe(answers)
    request = properties_of(PacketTypes.PUBLISH, ResponseTopic=answers, CorrelationData=b"\x00\xfe\xff")
    client.publish(f"{ROOT}/questions", "a question", properties=request)
    answer = client.next()
    print(answers, answer.payload.decode(), answer.properties.CorrelationData.hex())
    client.leave()


{"dialogue": dialogue, "responder": responder, "requester": requester}[PART]()
