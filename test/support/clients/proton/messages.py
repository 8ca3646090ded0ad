"""Messages as JSON, and back. Each field is a tagged value, see values.py; `payload` is the encoded message itself."""

import base64
import os
import tempfile

from proton import Described, Message, ubyte, uint, ulong

import values

# Bodies past this size travel in a file: a pipe of base64 lines is no place for them.
INLINE_BYTES = 64 * 1024

FIELDS = (
    "durable", "priority", "ttl", "first_acquirer", "delivery_count", "id", "user_id", "address", "subject", "reply_to",
    "correlation_id", "content_type", "content_encoding", "expiry_time", "creation_time", "group_id", "group_sequence",
    "reply_to_group_id",
)
NUMBERS = {"priority": ubyte, "delivery_count": uint, "group_sequence": uint, "id": ulong, "correlation_id": ulong}
VALUE_SECTION = 0x77
MAPS = {"delivery_annotations": "instructions", "message_annotations": "annotations", "properties": "properties"}


def payload_of(command):
    """The encoded message that a send command asks for: ready bytes, or fields for proton's own encoder."""
    if "payload" in command:
        return base64.b64decode(command["payload"])
    if "file" in command:
        with open(command["file"], "rb") as file:
            return file.read()
    fields = command["message"]
    message = Message()
    for name in FIELDS:
        if name in fields:
            setattr(message, name, values.decode(fields[name]))
    for name, attribute in MAPS.items():
        if name in fields:
            setattr(message, attribute, values.decode(fields[name]))
    if "body" in fields:
        message.body = values.decode(fields["body"])
    # An inferred body is a data or sequence section, any other an AMQP value.
    message.inferred = fields.get("inferred", False)
    return message.encode()


def describe_payload(payload):
    if len(payload) <= INLINE_BYTES:
        return {"payload": base64.b64encode(payload).decode()}
    handle, path = tempfile.mkstemp(prefix="fairlead-payload-")
    with os.fdopen(handle, "wb") as file:
        file.write(payload)
    return {"file": path}


def describe(message):
    """What proton made of a message that it received."""
    told = {name: values.encode(_field(message, name)) for name in FIELDS}
    for name, attribute in MAPS.items():
        told[name] = values.encode(getattr(message, attribute))
    body = message.body
    if isinstance(body, Described) and body.descriptor == VALUE_SECTION:
        body = body.value  # proton hands up the section itself when its value is described twice
    told["body"] = values.encode(body)
    told["inferred"] = message.inferred
    return told


def _field(message, name):
    """Proton's getters give numbers without their AMQP type; the specification has one type for each."""
    value = getattr(message, name)
    return NUMBERS[name](value) if name in NUMBERS and isinstance(value, int) else value
