import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { SELECTOR_NAMES } from '../../src/message/selector-names';
import {
  LIKE_CHARACTERS_MAX,
  SELECTOR_DEPTH_MAX,
  SELECTOR_IDENTIFIERS_MAX,
  SELECTOR_IN_ITEMS_MAX,
  SELECTOR_LENGTH_MAX,
  SELECTOR_NODES_MAX,
} from '../../src/selectors/limits';
import { parseSelector } from '../../src/selectors/selector';

const PAGE = readFileSync(resolve(__dirname, '../../docs/reference/selectors.md'), 'utf8');

describe('docs/reference/selectors.md', () => {
  it('tells every identifier that is no application property, and no other', () => {
    const named = [...PAGE.matchAll(/`((?:JMS|amqp\.)\w+)`/g)].map(([, name]) => name);
    expect([...new Set(named)].sort()).toEqual([...SELECTOR_NAMES.keys()].sort());
  });

  it('tells the bounds as they are', () => {
    const [, bounds = ''] = PAGE.split('## Bounds\n');
    const told = [...bounds.matchAll(/\d[\d,]*/g)].map(([number]) => Number(number.replace(',', '')));
    expect(told).toEqual([
      SELECTOR_LENGTH_MAX,
      SELECTOR_NODES_MAX,
      SELECTOR_IDENTIFIERS_MAX,
      SELECTOR_DEPTH_MAX,
      SELECTOR_IN_ITEMS_MAX,
      LIKE_CHARACTERS_MAX,
    ]);
  });

  it('has an example that is one', () => {
    const [, example = ''] = /```\n(colour = .*)\n```/.exec(PAGE) ?? [];
    expect(parseSelector(example).identifiers).toEqual(new Set(['colour', 'size', 'JMSPriority']));
  });
});
