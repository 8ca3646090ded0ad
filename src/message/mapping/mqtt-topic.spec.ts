import * as fc from 'fast-check';
import { MessageFieldError } from './errors';
import {
  addressOfTarget,
  filterOfName,
  isHiddenFrom,
  isMqttText,
  nameOfTopic,
  parseTopicFilter,
  parseTopicName,
  topicOfAddress,
  topicOfName,
} from './mqtt-topic';

const LEVEL = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('', '.', '*', '%', '%2E', 'a.b', '%25', '$x', ' '),
);
const TOPIC = fc
  .array(LEVEL, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/').replace(/[+#\0]/g, ''))
  .filter((topic) => topic !== '' && isMqttText(topic) && !topic.startsWith('$'));

describe('topic names of MQTT and names of the mesh (INTERFACE 4)', () => {
  it.each([
    ['a/b/c', 'a.b.c'],
    ['a//b', 'a..b'],
    ['/', '.'],
    ['/a/', '.a.'],
    ['1.5/x', '1%2E5.x'],
    ['50%/*', '50%25.%2A'],
    ['%2E', '%252E'],
    ['$SYS/x', '$SYS.x'],
  ])('%s is %s', (topic, name) => {
    expect(parseTopicName(topic)).toEqual({ kind: 'topic', name, share: null, wild: false });
    expect(topicOfName(name)).toBe(topic);
  });

  it('every topic name has one of its own, and comes back', () => {
    fc.assert(
      fc.property(TOPIC, TOPIC, (topic, other) => {
        const { name } = parseTopicName(topic);
        expect(topicOfName(name)).toBe(topic);
        expect(name.split('.')).toHaveLength(topic.split('/').length);
        expect(name).not.toMatch(/[*#/]/);
        if (other !== topic) expect(nameOfTopic(other)).not.toBe(name);
        expect(topicOfAddress(addressOfTarget(parseTopicName(topic)))).toBe(topic);
      }),
    );
  });

  it.each([
    ['#', '#', true],
    ['a/#', 'a.#', true],
    ['+/b/+', '*.b.*', true],
    ['a/b', 'a.b', false],
    ['+', '*', true],
    ['/+', '.*', true],
    ['a.b/*', 'a%2Eb.%2A', false],
  ])('filter %s is %s', (filter, name, wild) => {
    expect(parseTopicFilter(filter)).toEqual({ kind: 'topic', name, share: null, wild });
    expect(filterOfName(name)).toBe(filter);
  });

  it('a filter of the mesh that MQTT cannot say has none', () => {
    expect(filterOfName('#.b')).toBeNull();
  });

  it('$share, $queue, $anycast and $multicast lead where they say', () => {
    expect(parseTopicFilter('$share/g/a/+')).toEqual({ kind: 'topic', name: 'a.*', share: 'g', wild: true });
    expect(parseTopicFilter('$share/g//')).toMatchObject({ name: '.', share: 'g' });
    expect(parseTopicFilter('$queue/jobs.a')).toEqual({ kind: 'queue', name: 'jobs.a', share: null, wild: false });
    expect(parseTopicFilter('$share/g/$queue/jobs.a')).toMatchObject({ kind: 'queue', name: 'jobs.a', share: 'g' });
    expect(parseTopicName('$anycast/quote.eur')).toMatchObject({ kind: 'anycast', name: 'quote.eur' });
    expect(parseTopicName('$multicast/alerts')).toMatchObject({ kind: 'multicast', name: 'alerts' });
    expect(topicOfAddress('queue/jobs.a')).toBe('$queue/jobs.a');
    expect(topicOfAddress('topic://a.b')).toBe('a/b');
    expect(topicOfAddress('fairlead.temp.q.east.1')).toBe('$queue/fairlead.temp.q.east.1');
    expect(topicOfAddress('fairlead.temp.t.east.1')).toBe('fairlead/temp/t/east/1');
  });

  it('an address that no topic name leads to has none', () => {
    for (const address of [
      '',
      'topic/',
      'topic/a.*',
      '#',
      'a+b',
      'queue/a+b',
      'a/b',
      '50%',
      'x\0',
      `topic/${'x'.repeat(65_536)}`,
    ])
      expect(topicOfAddress(address)).toBeNull();
  });

  it.each([
    '',
    'a+',
    '+a/b',
    '#/a',
    'a#',
    'a/#/b',
    'x\0y',
    '\ud800',
    '$share/g',
    '$share//a',
    '$share/g/',
    '$share/+/a',
    '$share',
    '$queue/#',
    '$queue/',
    'x'.repeat(65_536),
  ])('[MQTT-4.7.1-1], [MQTT-4.7.1-2], [MQTT-4.7.3-1], [MQTT-4.8.2-1]: %j is no filter', (filter) => {
    expect(() => parseTopicFilter(filter)).toThrow(MessageFieldError);
  });

  it.each(['', 'a/+', '#', 'x\0y', '\udc00'])('[MQTT-3.3.2-2]: %j is no topic name', (topic) => {
    expect(() => parseTopicName(topic)).toThrow(MessageFieldError);
  });

  it('[MQTT-4.7.2-1]: a first wildcard hides what begins with $', () => {
    expect(isHiddenFrom('$SYS.x', '#')).toBe(true);
    expect(isHiddenFrom('$SYS.x', '*.x')).toBe(true);
    expect(isHiddenFrom('$SYS.x', '$SYS.#')).toBe(false);
    expect(isHiddenFrom('a.$b', '#')).toBe(false);
  });
});
