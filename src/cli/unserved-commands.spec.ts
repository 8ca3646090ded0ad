import { bufferIo } from './cli.fixture';
import { runCli } from './program';

it.each([
  [['trace', 'x'], 'trace'],
  [['link', 'add', 'to-west', '--cost', '5'], 'link add'],
  [['token', 'create', '--site', 'west', '--ttl', '15m'], 'token'],
  [['node', 'forget', '--help'], 'node'],
])('%j is known, and is not served yet', async (args, name) => {
  const io = bufferIo();
  expect(await runCli(args, io)).toBe(1);
  expect(io.stderr()).toMatch(new RegExp(`^fairlead ${name} is not served yet by this version \\(.+\\)`));
});

it('help lists what is served only', async () => {
  for (const [args, served, unserved] of [
    [['--help'], /^ {2}config /m, /trace|token/],
    [['link', '--help'], /^ {2}set /m, /^ {2}(?:add|remove)/m],
  ] as const) {
    const io = bufferIo();
    expect(await runCli(args, io)).toBe(0);
    expect(io.stdout()).toMatch(served);
    expect(io.stdout()).not.toMatch(unserved);
  }
});
