"""AMQP values as JSON that keeps their types, and back: {"t": "uint", "v": "7"}.

Whole numbers, characters and timestamps are decimal strings, bytes base64, uuids and decimals hexadecimal digits.
"""

import base64
import struct
import uuid

from proton import (
    UNDESCRIBED, Array, Data, Described, byte, char, decimal32, decimal64, decimal128, float32, int32, short, symbol,
    timestamp, ubyte, uint, ulong, ushort,
)

_WHOLE = {
    "ubyte": ubyte, "ushort": ushort, "uint": uint, "ulong": ulong, "byte": byte, "short": short, "int": int32,
    "long": int, "timestamp": timestamp,
}
_DATA_TYPES = {
    "null": Data.NULL, "boolean": Data.BOOL, "ubyte": Data.UBYTE, "ushort": Data.USHORT, "uint": Data.UINT,
    "ulong": Data.ULONG, "byte": Data.BYTE, "short": Data.SHORT, "int": Data.INT, "long": Data.LONG,
    "float": Data.FLOAT, "double": Data.DOUBLE, "decimal32": Data.DECIMAL32, "decimal64": Data.DECIMAL64,
    "decimal128": Data.DECIMAL128, "char": Data.CHAR, "timestamp": Data.TIMESTAMP, "uuid": Data.UUID,
    "binary": Data.BINARY, "string": Data.STRING, "symbol": Data.SYMBOL, "list": Data.LIST, "map": Data.MAP,
    "array": Data.ARRAY,
}
_DATA_NAMES = {code: name for name, code in _DATA_TYPES.items()}


def decode(tagged):
    """The proton value of tagged JSON."""
    kind, value = tagged["t"], tagged.get("v")
    if kind in _WHOLE:
        return _WHOLE[kind](int(value))
    if kind == "float":
        return float32(value)
    if kind == "double":
        return float(value)
    if kind == "binary":
        return base64.b64decode(value)
    if kind == "symbol":
        return symbol(value)
    if kind == "char":
        return char(chr(int(value)))
    if kind == "uuid":
        return uuid.UUID(hex=value)
    if kind == "decimal32":
        return decimal32(int(value, 16))
    if kind == "decimal64":
        return decimal64(int(value, 16))
    if kind == "decimal128":
        return decimal128(bytes.fromhex(value))
    if kind == "list":
        return [decode(item) for item in value]
    if kind == "map":
        return {decode(key): decode(item) for key, item in value}
    if kind == "array":
        return Array(_descriptor(tagged), _DATA_TYPES[tagged["of"]], *[decode(item) for item in value])
    if kind == "described":
        return Described(decode(tagged["d"]), decode(value))
    return value  # null, boolean, string


def _descriptor(tagged):
    return decode(tagged["d"]) if "d" in tagged else UNDESCRIBED


def encode(value):
    """Tagged JSON of a proton value."""
    if value is None:
        return {"t": "null"}
    if isinstance(value, bool):
        return {"t": "boolean", "v": value}
    for name, kind in (("decimal32", decimal32), ("decimal64", decimal64)):
        if isinstance(value, kind):
            return {"t": name, "v": format(int(value), "08x" if name == "decimal32" else "016x")}
    if isinstance(value, decimal128):
        return {"t": "decimal128", "v": bytes(value).hex()}
    for name in ("ubyte", "ushort", "uint", "ulong", "byte", "short", "int", "timestamp"):
        if isinstance(value, _WHOLE[name]):
            return {"t": name, "v": str(int(value))}
    if isinstance(value, int):
        return {"t": "long", "v": str(value)}
    if isinstance(value, float32):
        return {"t": "float", "v": struct.unpack(">f", struct.pack(">f", value))[0]}
    if isinstance(value, float):
        return {"t": "double", "v": value}
    if isinstance(value, symbol):
        return {"t": "symbol", "v": str(value)}
    if isinstance(value, char):
        return {"t": "char", "v": str(ord(value))}
    if isinstance(value, str):
        return {"t": "string", "v": value}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"t": "binary", "v": base64.b64encode(value).decode()}
    if isinstance(value, uuid.UUID):
        return {"t": "uuid", "v": value.hex}
    if isinstance(value, Described):
        return {"t": "described", "d": encode(value.descriptor), "v": encode(value.value)}
    if isinstance(value, Array):
        return _encode_array(value)
    if isinstance(value, dict):
        return {"t": "map", "v": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return {"t": "list", "v": [encode(item) for item in value]}
    raise TypeError(f"no AMQP type for {type(value)}")


def _encode_array(value):
    tagged = {"t": "array", "of": _DATA_NAMES[value.type], "v": [encode(item) for item in value.elements]}
    if value.descriptor != UNDESCRIBED:
        tagged["d"] = encode(value.descriptor)
    return tagged
