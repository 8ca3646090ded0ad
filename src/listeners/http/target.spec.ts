import { durationOf, flagOf, targetOf } from './target';

describe('targetOf', () => {
  it.each([
    ['/v1/addresses/orders.new', 'orders.new', []],
    ['/v1/addresses/topic%2Forders.new', 'topic/orders.new', []],
    ['/v1/addresses/topic/orders.new?wait=1s', 'topic/orders.new', []],
    ['/v1/addresses/queue/jobs/deliveries/t%2F1/release', 'queue/jobs', ['deliveries', 't/1', 'release']],
    ['/v1/addresses/jobs/request', 'jobs', ['request']],
    ['/v1/addresses/topic/request', 'topic/request', []],
    ['/v1/addresses/queue%2Fjobs/receive', 'queue/jobs', ['receive']],
    ['/v1/addresses/topic', 'topic', []],
  ])('%s is of %s', (url, address, rest) => {
    const target = targetOf(url);
    expect([target?.address, target?.rest]).toEqual([address, rest]);
  });

  it.each(['/', '/v1', '/v1/addresses', '/v2/addresses/x'])('%s is of no address', (url) =>
    expect(targetOf(url)).toBeNull(),
  );

  it('a parameter that is not known is told', () => {
    expect(() => targetOf('/v1/addresses/orders.new?wait=1s&durabel=ledger')).toThrow(
      'query: "durabel" is not known; expected one of browse, client, durable, failed',
    );
  });

  it('a percent-encoding that is none is told', () => {
    expect(() => targetOf('/v1/addresses/%E0%A4%A')).toThrow(
      expect.objectContaining({ code: 'FL_HTTP_REQUEST' }) as Error,
    );
  });
});

describe('parameters', () => {
  const query = new URLSearchParams('a=500ms&b=2&c=1m&d=x&e=999999999&f=true&g=yes');
  it('durations have units, seconds without', () => {
    expect(['a', 'b', 'c', 'z'].map((name) => durationOf(query, name, 7, 60_000))).toEqual([500, 2_000, 60_000, 7]);
  });
  it.each(['d', 'e'])('%s is no duration', (name) =>
    expect(() => durationOf(query, name, 7, 60_000)).toThrow(`${name}: expected`),
  );
  it('flags are true or false', () => {
    expect([flagOf(query, 'f'), flagOf(query, 'z')]).toEqual([true, false]);
    expect(() => flagOf(query, 'g')).toThrow('g: expected true or false');
  });
});
