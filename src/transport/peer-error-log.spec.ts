import { AmqpError, DecodeError } from '../amqp/errors';
import { PeerErrorLog } from './peer-error-log';

const PEER = { peer: 'client-1', from: '10.0.0.1:4711' };

function log() {
  const lines: { readonly event: string; readonly fields: Record<string, unknown> }[] = [];
  const clock = { now: 0 };
  const journal = { info: () => undefined, warn: (event: string, fields = {}) => void lines.push({ event, fields }) };
  return { lines, clock, log: new PeerErrorLog(journal, () => clock.now) };
}

describe('PeerErrorLog', () => {
  it('tells what was wrong, what it cost and who it was', () => {
    const { lines, log: errors } = log();
    errors.protocolError('protocol-error', new AmqpError('amqp:invalid-field', 'delivery-id 5', 'session'), PEER);
    expect(lines).toEqual([
      {
        event: 'protocol-error',
        fields: { why: 'delivery-id 5', condition: 'amqp:invalid-field', ended: 'session', ...PEER },
      },
    ]);
  });

  it('counts all and tells a few per ten seconds; the next line tells how many were left out', () => {
    const { lines, clock, log: errors } = log();
    for (let n = 0; n < 1_000; n++) errors.protocolError('e', new DecodeError('no'), PEER);
    expect([lines.length, errors.suppressed, errors.counts.get('amqp:decode-error')]).toEqual([20, 980, 1_000]);
    clock.now = 9_999;
    errors.warn('e', 'still', PEER);
    expect(lines).toHaveLength(20);
    clock.now = 10_000;
    errors.warn('e', 'again', PEER);
    errors.warn('e', 'and again', PEER);
    expect(lines.slice(20).map(({ fields }) => fields['suppressed'])).toEqual([981, undefined]);
  });

  it('keeps texts that peers chose to one line of bounded length', () => {
    const { lines, log: errors } = log();
    errors.warn('e', 'w'.repeat(10_000), { peer: 'p'.repeat(10_000), from: '' });
    expect(JSON.stringify(lines[0]).length).toBeLessThan(800);
  });
});
