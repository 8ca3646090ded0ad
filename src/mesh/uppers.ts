import type { AddressCore } from '../addresses/address-core';
import type { AddressEntry } from '../addresses/address-entry';
import { STREAM_CLASS } from '../links/contract';
import { isClientControl, type ClientCore } from '../sessions/client-core';
import type { StreamsUpper } from '../streams/contract';
import { TUNNEL_CREDIT, TUNNEL_WIRE } from '../tunnels/messages';
import type { TunnelCore } from '../tunnels/tunnel-core';

/** What the name of tunnels in a batch refers to; all other names are of addresses. */
const TUNNELS = Symbol('tunnels');
/** What a name in a batch refers to. */
export type WireEntry = AddressEntry | typeof TUNNELS;

/** The layers above streams: gives each what is its own. They exist before anything can come from below. */
export function joinUppers(
  addresses: () => AddressCore,
  tunnels: () => TunnelCore,
  clients: () => ClientCore,
): StreamsUpper<WireEntry> {
  return {
    resolveWire: (wire) => (wire === TUNNEL_WIRE ? TUNNELS : addresses().resolveWire(wire)),
    // Named arguments where messages pass: a rest array is an object for each.
    onMessage: (receipt, seq, entry, flags, chunk, start, end) => {
      if (entry === TUNNELS) tunnels().onMessage(receipt.origin, chunk, start, end);
      else addresses().onMessage(receipt, seq, entry, flags, chunk, start, end);
    },
    // Tunnels send nothing large.
    onLarge: (receipt, seq, entry, flags, body) => {
      if (entry !== TUNNELS) addresses().onLarge(receipt, seq, entry, flags, body);
    },
    onNotTaken: (origin, entry) => {
      if (entry !== TUNNELS) addresses().onNotTaken(origin, entry);
    },
    onControl: (origin, kind, payload) => {
      if (kind === TUNNEL_CREDIT) tunnels().onCredit(origin, payload);
      else if (isClientControl(kind)) clients().onControl(origin, kind, payload);
      else addresses().onControl(origin, kind, payload);
    },
    onOutcome: (slot, target, outcome, detail) => addresses().onOutcome(slot, target, outcome, detail),
    onLost: (slot, target, sent, reason) => addresses().onLost(slot, target, sent, reason),
    onDropped: (target, address, count, reason) => {
      if (address !== TUNNEL_WIRE) addresses().onDropped(target, address, count, reason);
    },
    onFull: (target, cls, full) => {
      if (cls !== STREAM_CLASS.bulk) addresses().onFull(target, cls, full);
      else if (!full) tunnels().relieved(target);
    },
    onGap: (origin, missed) => addresses().onGap(origin, withoutTunnels(missed)),
    onGivenUp: (origin) => {
      addresses().onGivenUp(origin);
      tunnels().broken(origin);
    },
    onTargetState: (target, state) => {
      addresses().onTargetState(target, state);
      tunnels().onTargetState(target, state);
    },
  };
}

/** Of tunnels nothing is missed: they have ended. */
function withoutTunnels(missed: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return missed.has(TUNNEL_WIRE) ? new Map([...missed].filter(([address]) => address !== TUNNEL_WIRE)) : missed;
}
