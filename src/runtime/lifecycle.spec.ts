import { Lifecycle } from './lifecycle';

describe('the life of a node', () => {
  it('says where it stands and since when', () => {
    let now = 0;
    const lifecycle = new Lifecycle(() => now);
    expect([lifecycle.phase, lifecycle.since]).toEqual(['starting', '1970-01-01T00:00:00.000Z']);
    now = 5_000;
    lifecycle.enter('ready');
    now = 9_000;
    expect([lifecycle.phase, lifecycle.since]).toEqual(['ready', '1970-01-01T00:00:05.000Z']);
  });
});
