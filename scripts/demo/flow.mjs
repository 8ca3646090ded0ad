import { encodeMessage } from '../../dist/message/encode-message.js';
import { textBody } from '../../dist/message/message.js';

/** The newest latencies that percentiles are taken of. */
const SAMPLES = 4_096;

/**
 * What goes from one client to another: each message has a number and the time it left. What arrives is checked against it:
 * missing, doubled, out of order.
 */
export class Flow {
  sent = 0;
  arrived = 0;
  doubled = 0;
  disordered = 0;
  /** Given back by the mesh because nobody could take it just then, and sent again. */
  resent = 0;
  /** Outcomes that no sending again mends, as text. */
  refused = new Map();
  /** Numbers that are on their way. */
  #expected = new Set();
  /** The newest number of each address: one sender's messages to one address keep their order. */
  #last = new Map();
  #samples = new Float64Array(SAMPLES);

  /** What is sent again comes behind what was sent after it: there is no order to be kept then. */
  constructor(what, from, to, ordered = true) {
    Object.assign(this, { what, from, to, ordered });
  }

  /** Messages that left and have not arrived. */
  get missing() {
    return this.sent - this.arrived;
  }

  get good() {
    return (
      this.sent > 0 && this.missing === 0 && this.doubled === 0 && this.disordered === 0 && this.refused.size === 0
    );
  }

  expect(number) {
    this.#expected.add(number);
    this.sent++;
  }

  arrive({ number, address, at }) {
    if (!this.#expected.delete(number)) {
      this.doubled++;
      return;
    }
    if (this.ordered && number < (this.#last.get(address) ?? -1)) this.disordered++;
    this.#last.set(address, number);
    this.#samples[this.arrived++ % SAMPLES] = performance.now() - at;
  }

  refuse(why) {
    this.refused.set(why, (this.refused.get(why) ?? 0) + 1);
  }

  /** Milliseconds that so many percent of the newest messages stayed below; null before the first. */
  latency(percent) {
    const count = Math.min(this.arrived, SAMPLES);
    if (count === 0) return null;
    const sorted = this.#samples.slice(0, count).sort();
    return sorted[Math.min(count - 1, Math.floor((count * percent) / 100))];
  }
}

/** A message that says what it is and when it left. */
export function stamp(number, address, properties = {}) {
  return encodeMessage({ properties, body: textBody(JSON.stringify({ number, address, at: performance.now() })) });
}

/** Null for a message that is none of ours: somebody tries the addresses of the demo by hand. */
export function read({ body }) {
  try {
    const { number, address, at } = JSON.parse(body.value);
    return { number, address, at };
  } catch {
    return null;
  }
}
