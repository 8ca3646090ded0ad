import { Mesh } from '../support/mesh';

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
});
