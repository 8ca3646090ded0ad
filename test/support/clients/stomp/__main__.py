"""stomp.py behind lines of JSON: commands come in, events go out. Each command names its connection."""
import base64
import json
import sys
import threading

import stomp

KINDS = {"1.0": stomp.StompConnection10, "1.1": stomp.StompConnection11, "1.2": stomp.StompConnection12}
LOCK = threading.Lock()
connections = {}


def tell(**event):
    with LOCK:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


class Listener(stomp.ConnectionListener):
    def __init__(self, name):
        self.name = name

    def frame(self, command, frame):
        body = frame.body if isinstance(frame.body, bytes) else (frame.body or "").encode()
        tell(connection=self.name, command=command, headers=frame.headers, body=base64.b64encode(body).decode())

    def on_connected(self, frame):
        self.frame("CONNECTED", frame)

    def on_message(self, frame):
        self.frame("MESSAGE", frame)

    def on_receipt(self, frame):
        self.frame("RECEIPT", frame)

    def on_error(self, frame):
        self.frame("ERROR", frame)

    def on_disconnected(self):
        tell(connection=self.name, command="closed", headers={}, body="")


def connect(name, port, version, headers):
    connection = KINDS[version]([("127.0.0.1", port)], auto_decode=False, heartbeats=(0, 0)) if version != "1.0" else KINDS[
        version]([("127.0.0.1", port)], auto_decode=False)
    connection.set_listener("", Listener(name))
    connection.connect("user", "secret", wait=False, headers=headers)
    connections[name] = connection


def frame(name, command, headers, body):
    """The library's own call for a command, so that its headers are the library's."""
    connection = connections[name]
    headers = dict(headers)
    take = lambda key: headers.pop(key, None)  # noqa: E731
    if command == "SEND":
        connection.send(take("destination"), base64.b64decode(body), content_type=take("content-type"), headers=headers)
    elif command == "SUBSCRIBE":
        destination, ack = take("destination"), headers.pop("ack", "auto")
        if isinstance(connection, stomp.StompConnection10):
            connection.subscribe(destination, headers.get("id"), ack, headers)
        else:
            connection.subscribe(destination, take("id"), ack, headers)
    elif command == "UNSUBSCRIBE":
        connection.unsubscribe(take("id"), **headers)
    elif command in ("ACK", "NACK"):
        answer = connection.ack if command == "ACK" else connection.nack
        transaction, receipt = take("transaction"), take("receipt")
        if isinstance(connection, stomp.StompConnection12):
            answer(take("id"), transaction, receipt, **headers)
        elif isinstance(connection, stomp.StompConnection11):
            answer(take("message-id"), take("subscription"), transaction, receipt, **headers)
        else:
            answer(take("message-id"), transaction, receipt)
    elif command == "BEGIN":
        connection.begin(take("transaction"), headers)
    elif command == "COMMIT":
        connection.commit(take("transaction"), headers)
    elif command == "ABORT":
        connection.abort(take("transaction"), headers)
    elif command == "DISCONNECT":
        connection.disconnect(receipt=take("receipt"))


tell(connection="", command="ready", headers={}, body="")
for line in sys.stdin:
    asked = json.loads(line)
    try:
        if asked["command"] == "CONNECT":
            connect(asked["connection"], asked["port"], asked["version"], asked["headers"])
        else:
            frame(asked["connection"], asked["command"], asked["headers"], asked["body"])
    except Exception as fault:  # told to whoever waits
        tell(connection=asked["connection"], command="fault", headers={"message": repr(fault)}, body="")
