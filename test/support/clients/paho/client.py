"""A client of MQTT for the tests: `pub VERSION PORT QOS TOPIC TEXT`, or `sub VERSION PORT QOS FILTER`."""

import sys

import paho.mqtt.client as mqtt

role, version, port, qos, topic = sys.argv[1:6]
client = mqtt.Client(protocol=mqtt.MQTTv5 if version == "5" else mqtt.MQTTv311)


def on_connect(connected, *_ignored):
    if role == "sub":
        connected.subscribe(topic, int(qos))
    else:
        connected.publish(topic, sys.argv[6], int(qos))


def on_message(_client, _data, message):
    print(message.topic, message.qos, message.payload.decode(), flush=True)


client.on_connect = on_connect
client.on_subscribe = lambda *_ignored: print("Subscribed", flush=True)
client.on_publish = lambda published, *_ignored: published.disconnect()
client.on_message = on_message
client.connect("127.0.0.1", int(port))
client.loop_forever()
