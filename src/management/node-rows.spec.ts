import { nodeRows } from './node-rows';

it('tells every node by name, and no cost of one that is out of reach', () => {
  const view = { id: 1, site: 's', incarnation: 1 };
  const nodes = () => [
    { ...view, name: 'west', reachable: true, cost: 20 },
    { ...view, name: 'north', reachable: false, cost: Infinity },
    { ...view, name: 'east', reachable: true, cost: 0 },
  ];
  expect(nodeRows({ nodes })).toEqual([
    { node: 'east', site: 's', reachable: true, cost: 0 },
    { node: 'north', site: 's', reachable: false, cost: null },
    { node: 'west', site: 's', reachable: true, cost: 20 },
  ]);
});
