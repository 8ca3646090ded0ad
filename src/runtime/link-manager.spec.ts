import { SILENT_JOURNAL } from '../common/ports';
import { LinkManager } from './link-manager';
import { FakeMeshNode, FakeWire, WEST, siteOf, view } from './runtime.fixture';

const links = (...items: string[]) => siteOf(`mesh: { listen: [], links: [${items.join(', ')}] }`);
const A = '{ name: a, connect: "amqp://west:1", cost: 5 }';
const B = '{ name: b, connect: "amqp://edge:2" }';

async function started(...items: string[]) {
  const node = new FakeMeshNode();
  const wire = new FakeWire();
  const manager = new LinkManager(node, wire, SILENT_JOURNAL);
  await manager.start(links(...items));
  return { node, wire, manager };
}

describe('links of a node', () => {
  it('are shown whatever their state', async () => {
    const { node, wire, manager } = await started(A, B);
    wire.diallers.get('a 1')!.link = 1;
    wire.diallers.get('b 2')!.whyDown = 'connection refused';
    node.views = [
      view({ link: 1, name: 'a', cost: 5 }),
      view({ link: 2, name: 'theirs', peer: { ...WEST, name: 'edge' } }),
    ];
    expect(manager.rows()).toMatchObject([
      { name: 'a', state: 'up', configured: true, peer: { node: 'west', site: 'west' }, cost: 5 },
      { name: 'b', state: 'down', configured: true, peer: null, whyDown: 'connection refused' },
      { name: 'theirs', state: 'up', configured: false, peer: { node: 'edge' } },
    ]);
  });

  it('change their cost without a new connection', async () => {
    const { node, wire, manager } = await started(A);
    wire.diallers.get('a 1')!.link = 1;
    node.views = [view({ name: 'a' })];
    expect(manager.setCost('a', 7)).toMatchObject({ name: 'a', cost: 7, state: 'up' });
    expect([node.calls, wire.log]).toEqual([['setCost 1 7'], ['dial a 1', 'cost a 1 7']]);
  });

  it('change the cost of one that is down for its next connection', async () => {
    const { node, wire, manager } = await started(A);
    expect(manager.setCost('a', 7)).toMatchObject({ cost: 7, state: 'connecting' });
    expect([node.calls, wire.log.at(-1)]).toEqual([[], 'cost a 1 7']);
  });

  it('that were accepted are named, with the peer where two chose one name', async () => {
    const { node, manager } = await started();
    node.views = [view({ link: 1, name: 'hub' }), view({ link: 2, name: 'hub', peer: { ...WEST, name: 'edge' } })];
    expect(() => manager.setCost('hub', 3)).toThrow('say which with hub@PEER (west, edge)');
    expect(manager.setCost('hub@edge', 3)).toMatchObject({ name: 'hub', peer: { node: 'edge' }, cost: 3 });
    expect(node.calls).toEqual(['setCost 2 3']);
    expect(() => manager.setCost('hubb', 3)).toThrow('no link is named "hubb"; known: hub');
  });

  it('come and go with the document', async () => {
    const { node, wire, manager } = await started(A);
    wire.diallers.get('a 1')!.link = 1;
    node.views = [view({ name: 'a' })];
    await manager.apply(links(B));
    expect(wire.log).toEqual(['dial a 1', 'dial b 2', 'close a 1']);
    expect(node.calls).toEqual(['removeLink 1']);
    await manager.apply(links(B.replace('2"', '2", cost: 99')));
    expect(wire.log.at(-1)).toBe('cost b 2 99');
  });

  it('are made before they are broken when they move', async () => {
    const { node, wire, manager } = await started(A);
    wire.diallers.get('a 1')!.link = 1;
    node.views = [view({ link: 1, name: 'a' })];
    await manager.apply(links(A.replace('west:1', 'west:9')));
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(wire.log).toEqual(['dial a 1', 'dial a 9']);
    wire.diallers.get('a 9')!.link = 2;
    node.views = [...node.views, view({ link: 2, name: 'a' })];
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(wire.log).toEqual(['dial a 1', 'dial a 9', 'close a 1']);
    expect(node.calls).toEqual(['removeLink 1']);
  });

  it('listen where the document says', async () => {
    const { wire, manager } = await started();
    wire.busy.add(7);
    const problems = await manager.apply(siteOf('mesh: { listen: [{ port: 5 }, { port: 0 }, { port: 7 }] }'));
    expect(manager.addresses.map(({ port }) => port)).toEqual([5, 40_000]);
    expect(problems).toMatchObject([{ path: 'mesh.listen[2]' }]);
    await manager.apply(siteOf('mesh: { listen: [{ port: 0 }] }'));
    expect(wire.log).toEqual(['listen 5', 'listen 0', 'unlisten 5']);
  });

  it('say goodbye and are closed at the end', async () => {
    const { node, wire, manager } = await started(A);
    node.views = [view({ link: 4 })];
    await manager.close();
    expect([node.calls, wire.log]).toEqual([['removeLink 4'], ['dial a 1', 'close a 1']]);
  });
});
