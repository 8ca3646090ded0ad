import { eventually } from '../support/eventually';
import type { FairleadNode } from '../support/fairlead-node';
import { Mesh } from '../support/mesh';

async function ownersOfRules(node: FairleadNode): Promise<string[][]> {
  const { body } = await node.http('/api/v1/addresses');
  return (body as { rules: { saidBy: string[] }[] }).rules.map(({ saidBy }) => saidBy);
}

describe('a mesh of node processes', () => {
  it('tells every node of every other, comes back on the same ports, and ends with 0', async () => {
    const mesh = await Mesh.line(['laptop', 'private', 'public']);
    await mesh.start();
    expect((await mesh.node('laptop').nodes()).map(({ node, cost }) => [node, cost])).toEqual([
      ['laptop', 0],
      ['private', 10],
      ['public', 20],
    ]);
    const middle = mesh.node('private');
    const { amqpPort, meshPort, httpPort } = middle;
    await middle.kill();
    expect(middle.running).toBe(false);
    await middle.start();
    expect([middle.amqpPort, middle.meshPort, middle.httpPort]).toEqual([amqpPort, meshPort, httpPort]);
    await mesh.converged();
    expect(await mesh.stop()).toEqual([0, 0, 0]);
  }, 120_000);

  it('tells who joins the rules of a site that is away, from a disk', async () => {
    const rules = [{ match: 'quote.*', kind: 'anycast' as const }];
    const mesh = await Mesh.line(['owner', 'keeper', 'joiner'], { documents: { owner: { addresses: rules } } });
    const [owner, keeper, joiner] = ['owner', 'keeper', 'joiner'].map((name) => mesh.node(name)) as [
      FairleadNode,
      FairleadNode,
      FairleadNode,
    ];
    await Promise.all([owner.start(), keeper.start()]);
    await eventually('the rule is told', async () => (await ownersOfRules(keeper)).length === 1);
    await Promise.all([owner.stop(), keeper.stop()]);
    await Promise.all([keeper.start(), joiner.start()]);
    await joiner.reaches('keeper');
    await eventually('it learns the rule', async () => (await ownersOfRules(joiner)).length === 1);
    expect(await ownersOfRules(joiner)).toEqual([['owner']]);
    expect(await mesh.stop()).toEqual([0, 0]);
  }, 120_000);
});
