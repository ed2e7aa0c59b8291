"""Subscribes, publishes one message and prints what comes.

    python3 examples/python/chat.py [HOST [PORT]]

Paho Python speaks WebSocket itself, so no bridge is needed. Debian: apt-get install python3-paho-mqtt
"""

import os
import sys

import paho.mqtt.client as mqtt

HOST = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 8787
SETTINGS = {"client_id": "python-example", "clean_session": False, "transport": "websockets"}


def on_connect(client, userdata, flags, code):
    if code != 0:
        sys.exit(mqtt.connack_string(code))
    client.subscribe("chat/#", qos=1)
    client.publish("chat/hello", "hello from Python", qos=1)


def on_message(client, userdata, message):
    print(f"{message.topic}: {message.payload.decode()} (QoS {message.qos})", flush=True)


# Paho 2 asks which form the callbacks have.
if hasattr(mqtt, "CallbackAPIVersion"):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, **SETTINGS)
else:
    client = mqtt.Client(**SETTINGS)
client.on_connect = on_connect
client.on_message = on_message
if "MQTT_USERNAME" in os.environ:
    client.username_pw_set(os.environ["MQTT_USERNAME"], os.environ.get("MQTT_PASSWORD"))
if PORT == 443:
    client.tls_set()
client.ws_set_options(path="/mqtt")
client.connect(HOST, PORT)
client.loop_forever()
