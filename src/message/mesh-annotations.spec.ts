import * as fc from 'fast-check';
import { VALUE } from '../amqp/codec/values.fixture';
import { AmqpMap, sym, type AmqpValue } from '../amqp/codec/values';
import { DecodeError } from '../amqp/errors';
import { decodeMessage } from './decode-message';
import { encodeMessage } from './encode-message';
import { Located, locate } from './locate';
import { textBody } from './message';
import { mayClaimMesh, withoutMeshAnnotations } from './mesh-annotations';

const located = new Located();

function cleaned(bytes: Buffer): Buffer {
  const surrounded = Buffer.concat([Buffer.from('front'), bytes, Buffer.from('x-opt-fairlead-x')]);
  const end = 5 + bytes.length;
  locate(surrounded, 5, end, true, located);
  if (!mayClaimMesh(surrounded, located)) return bytes;
  const { head, rest } = withoutMeshAnnotations(surrounded, 5, located);
  return Buffer.concat([head, surrounded.subarray(rest, end)]);
}

function message(annotations: readonly (readonly [AmqpValue, AmqpValue])[]): Buffer {
  const messageAnnotations = annotations.length > 0 ? new AmqpMap(annotations) : undefined;
  return encodeMessage({
    header: { durable: true },
    messageAnnotations,
    properties: { to: 'x' },
    body: textBody('body'),
  });
}

describe('annotations that only the mesh makes', () => {
  it('are left out, and all else stays', () => {
    const own = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }), VALUE), {
      maxLength: 4,
      selector: ([name]) => name,
    });
    const claimed = fc.uniqueArray(
      fc.tuple(fc.constantFrom('gap', 'dead-reason', '', 'x'.repeat(300)), fc.boolean(), VALUE),
      { minLength: 1, maxLength: 3, selector: ([name]) => name },
    );
    fc.assert(
      fc.property(own, claimed, (kept, claims) => {
        const others = kept.map(([name, value]) => [sym(name), value] as const);
        const forged = claims.map(
          ([name, text, value]) => [text ? `x-opt-fairlead-${name}` : sym(`x-opt-fairlead-${name}`), value] as const,
        );
        const clean = cleaned(message([...others.slice(0, 2), ...forged, ...others.slice(2)]));
        expect(decodeMessage(clean)).toEqual(decodeMessage(message(others)));
      }),
      { numRuns: 300 },
    );
  });

  it('of a message that has none it is the same bytes', () => {
    const bytes = message([[sym('x-opt-jms-dest'), 'x-opt-fairlead-in-a-value']]);
    expect(decodeMessage(cleaned(bytes))).toEqual(decodeMessage(bytes));
    const plain = message([[sym('x-opt-jms-dest'), 1]]);
    expect(cleaned(plain)).toBe(plain);
    const behind = encodeMessage({ properties: { to: 'x-opt-fairlead-gap' }, body: textBody('x-opt-fairlead-gap') });
    expect(cleaned(behind)).toBe(behind);
  });

  it('throw nothing but DecodeError, whatever the bytes', () => {
    const whole = message([
      [sym('x-opt-fairlead-gap'), 'x'],
      [sym('own'), 'y'],
    ]);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        try {
          cleaned(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
