"""A client of MQTT 5 for the matrix: `pub PORT TOPIC JSON`, or `sub PORT FILTER`, which prints JSON."""

import json
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

role, port, topic = sys.argv[1:4]
client = mqtt.Client(protocol=mqtt.MQTTv5)


def publish(connected):
    said = json.loads(sys.argv[4])
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = said["contentType"]
    properties.CorrelationData = said["correlationId"].encode()
    properties.ResponseTopic = said["replyTo"]
    properties.MessageExpiryInterval = said["lifetimeS"]
    properties.UserProperty = list(said["user"].items())
    connected.publish(topic, said["body"], 1, properties=properties)


def on_connect(connected, *_ignored):
    if role == "sub":
        connected.subscribe(topic, 1)
    else:
        publish(connected)


def on_message(_client, _data, message):
    properties = message.properties
    told = {
        "body": message.payload.decode(),
        "contentType": getattr(properties, "ContentType", None),
        "correlationId": getattr(properties, "CorrelationData", b"").decode(),
        "replyTo": getattr(properties, "ResponseTopic", None),
        "qos": message.qos,
        "expiryS": getattr(properties, "MessageExpiryInterval", None),
        "user": dict(getattr(properties, "UserProperty", [])),
    }
    print("=" + json.dumps(told), flush=True)


client.on_connect = on_connect
client.on_subscribe = lambda *_ignored: print("Subscribed", flush=True)
client.on_publish = lambda published, *_ignored: published.disconnect()
client.on_message = on_message
client.connect("127.0.0.1", int(port))
client.loop_forever()
