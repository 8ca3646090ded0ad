import {
  definitionOf,
  parseDefinition,
  PLAIN_CLAIM,
  readClaim,
  selectsAlike,
  writeClaim,
  writeDefinition,
  type SubscriptionDefinition,
} from './queue-claim';
import { publisherTag } from './publisher-tag';

const definition: SubscriptionDefinition = {
  filter: 'news.#',
  selector: "a = 'é'",
  noLocal: true,
  notFrom: 7,
  shared: true,
  durable: true,
};

describe('a claim as a fact', () => {
  it('is empty for a plain queue, and says all there is of others', () => {
    expect(writeClaim(PLAIN_CLAIM)).toHaveLength(0);
    expect(readClaim(Buffer.alloc(0))).toEqual(PLAIN_CLAIM);
    for (const claim of [
      { generation: 3, since: 0, subscription: null },
      { generation: 0, since: 12, subscription: definition },
      { generation: 1, since: 2, subscription: { ...definition, selector: null, shared: false } },
    ])
      expect(readClaim(writeClaim(claim))).toEqual(claim);
  });

  it.each(['nonsense', '[]', '7', '{"generation":-1,"since":"x","subscription":{"filter":5}}'])(
    'is a plain one when it says what nobody understands: %s',
    (text) => {
      expect(readClaim(Buffer.from(text))).toEqual(PLAIN_CLAIM);
    },
  );
});

describe('a definition', () => {
  it('goes to the home as text', () => {
    expect(parseDefinition(writeDefinition(definition))).toEqual(definition);
    expect(parseDefinition('')).toBeNull();
    expect(parseDefinition('{"filter":""}')).toBeNull();
  });

  it('is what a consumer asks for', () => {
    const spec = { address: 'news.#', hint: null, client: 'me', settled: false };
    const queue = { browse: false, selector: 'a = 1', noLocal: true, exclusive: false };
    const subscription = { name: 's', client: 'me', durable: true, shared: false };
    expect(definitionOf(spec)).toBeNull();
    expect(definitionOf({ ...spec, queue, subscription })).toEqual({
      filter: 'news.#',
      selector: 'a = 1',
      noLocal: true,
      notFrom: publisherTag('me'),
      shared: false,
      durable: true,
    });
    expect(definitionOf({ ...spec, subscription })).toMatchObject({ selector: null, noLocal: false, notFrom: 0 });
  });

  it('selects as another one with the same filter, selector and no-local', () => {
    expect(selectsAlike(definition, { ...definition, shared: false, notFrom: 9 })).toBe(true);
    for (const other of [{ filter: 'news' }, { selector: null }, { noLocal: false }])
      expect(selectsAlike(definition, { ...definition, ...other })).toBe(false);
  });
});
