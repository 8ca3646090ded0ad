import { nodeIdOf } from '../links/contract';
import { OUTCOME } from './contract';
import { MESSAGE_BYTES_MAX, OUTCOME_FIELDS_BYTES_MAX } from './limits';
import { OutcomeCollector, readOutcomes } from './outcomes';
import { Network } from './streams.fixture';
import { WireReader } from '../common/wire';

const LONGEST_NAME = 't' + 'n'.repeat(4_096);

describe('what is near a bound', () => {
  it('a message of the largest size behind the longest name fits its batch', () => {
    const net = new Network(['a', 'b']);
    net.host('a').publish(['b'], LONGEST_NAME, Buffer.alloc(MESSAGE_BYTES_MAX, 'x'));
    net.settle();
    expect(net.host('b').got).toEqual([`${LONGEST_NAME}:${'x'.repeat(MESSAGE_BYTES_MAX)}`]);
  });

  it('hundreds of outcomes with details are told in messages that fit', () => {
    const collector = new OutcomeCollector();
    const receipt = { origin: nodeIdOf('a'), incarnation: 1, cls: 2 as const, epoch: 3 };
    const fields = Buffer.alloc(300, 7);
    const detail = { condition: 'amqp:precondition-failed', description: 'ü'.repeat(2_000), fields };
    for (let seq = 1; seq <= 200; seq++) collector.add(receipt, seq, OUTCOME.rejected, detail);
    collector.add(receipt, 201, OUTCOME.modified, { fields: Buffer.alloc(OUTCOME_FIELDS_BYTES_MAX + 1) });
    const seen: number[] = [];
    let messages = 0;
    collector.flush((_origin, _incarnation, payload) => {
      messages++;
      expect(payload.length).toBeLessThan(56 * 1024);
      readOutcomes(new WireReader(payload), (_cls, _epoch, first, count, outcome, got) => {
        seen.push(first);
        expect(count).toBe(1);
        if (first <= 200) expect([outcome, got?.description?.length, got?.fields]).toEqual([1, 1_024, fields]);
        else expect([outcome, got]).toEqual([OUTCOME.modified, {}]);
      });
    });
    expect(messages).toBeGreaterThan(1);
    expect(seen).toEqual(Array.from({ length: 201 }, (_, n) => n + 1));
  });

  it('a gap over hundreds of addresses with long names is told whole', () => {
    const net = new Network(['a', 'b']);
    const [a, b] = [net.host('a'), net.host('b')];
    a.cut.add('b');
    for (let n = 0; n < 300; n++) a.publish(['b'], `t${n}.${'n'.repeat(500)}`, 'lost');
    a.core.flush();
    a.core.onUnreachable(b.self);
    net.now += 120_001;
    a.core.tick();
    a.cut.clear();
    a.core.onReachable(b.self);
    net.settle();
    expect(b.gaps.length).toBeGreaterThan(1);
    expect(b.gaps.reduce((sum, [, missed]) => sum + missed.size, 0)).toBe(300);
  });
});
