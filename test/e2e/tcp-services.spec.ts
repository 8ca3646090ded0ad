import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../support/eventually';
import type { FairleadNode } from '../support/fairlead-node';
import { freePort } from '../support/free-ports';
import { Mesh } from '../support/mesh';
import { TestCaller, TestServer } from '../support/tcp-services';

const tcp = (name: string, port: number, address = `anycast/${name}`) => ({
  name,
  protocol: 'tcp' as const,
  port,
  address,
});

let mesh: Mesh;
let echo: TestServer;

/** Sends back what it gets, and ends when the other side has. */
const echoing = (): Promise<TestServer> =>
  TestServer.listen((socket) => {
    socket.on('data', (chunk) => void (socket.write(chunk) || socket.pause()));
    socket.on('drain', () => socket.resume());
    socket.on('end', () => socket.end());
  });

async function listening(node: FairleadNode, name: string): Promise<number> {
  return eventually(`${node.name} listens for ${name}`, async () => {
    const { body } = await node.http('/api/v1/listeners');
    return (body as { listeners: { name: string; port: number }[] }).listeners.find((row) => row.name === name)?.port;
  });
}

beforeAll(async () => {
  echo = await echoing();
  mesh = await Mesh.line(['laptop', 'private', 'public'], {
    documents: {
      laptop: { listeners: [tcp('echo', await freePort()), tcp('shop', await freePort())] },
      public: { services: [{ address: 'anycast/echo', connect: echo.at }] },
    },
  });
  await mesh.start();
});

afterAll(async () => {
  await echo.close();
  await mesh.stop();
});

const laptop = (): FairleadNode => mesh.node('laptop');
const dial = (name: string): Promise<TestCaller> => TestCaller.dial(laptop().port(name));

describe('a TCP service two links away', () => {
  it('answers HTTP', async () => {
    const server = createHttpServer((request, response) => {
      let length = 0;
      request.on('data', (chunk: Buffer) => (length += chunk.length));
      request.on('end', () => response.end(`${request.method ?? ''} ${request.url ?? ''} ${length}`));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    mesh.node('public').rewrite((document) => ({
      ...document,
      services: [...(document.services ?? []), { address: 'anycast/shop', connect: `127.0.0.1:${port}` }],
    }));
    const url = `http://127.0.0.1:${laptop().port('shop')}`;
    await eventually('the new service answers', () =>
      fetch(`${url}/first`).then(
        (answer) => answer.ok,
        () => false,
      ),
    );
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        fetch(`${url}/orders/${n}`, { method: 'POST', body: 'x'.repeat(n * 10_000) }).then((answer) => answer.text()),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => `POST /orders/${n} ${n * 10_000}`));
    server.closeAllConnections();
    server.close();
  });

  it('may end its direction before the other one has, and the other way round', async () => {
    const late = await TestServer.listen((socket) => {
      let asked = '';
      socket.on('data', (chunk) => (asked += chunk.toString()));
      socket.on('end', () => socket.end(`answer to ${asked}`));
    });
    const early = await TestServer.listen((socket) => {
      socket.end('bye');
      socket.resume();
    });
    const services = [
      { address: 'late', connect: late.at },
      { address: 'early', connect: early.at },
    ];
    const ports = [await freePort(), await freePort()] as const;
    mesh.node('public').rewrite((document) => ({ ...document, services: [...(document.services ?? []), ...services] }));
    laptop().rewrite((document) => ({
      ...document,
      listeners: [...(document.listeners ?? []), tcp('late', ports[0], 'late'), tcp('early', ports[1], 'early')],
    }));
    for (const name of ['late', 'early']) await listening(laptop(), name);
    const asking = await eventually('the service is known', async () => {
      const caller = await TestCaller.dial(ports[0]);
      caller.socket.end('a question');
      await caller.closed;
      return caller.end === 'ended' ? caller : undefined;
    });
    expect(asking.text).toBe('answer to a question');
    const told = await TestCaller.dial(ports[1]);
    await eventually('its end', () => told.end === 'ended');
    expect([told.text, early.sockets.size]).toEqual(['bye', 1]);
    told.socket.end('and so on');
    await told.closed;
    await eventually('the server has all', () => early.sockets.size === 0);
    await Promise.all([late.close(), early.close()]);
  });

  it('is told of a reset, and tells of one', async () => {
    const [one, two] = [await dial('echo'), await dial('echo')];
    one.socket.write('1');
    two.socket.write('2');
    await eventually('both are through', () => one.text === '1' && two.text === '2');
    expect(echo.sockets.size).toBe(2);
    let resets = 0;
    for (const socket of echo.sockets) socket.on('error', () => resets++);
    one.socket.resetAndDestroy();
    await eventually('the server has seen it', () => resets === 1 && echo.sockets.size === 1);
    for (const socket of echo.sockets) socket.resetAndDestroy();
    await two.closed;
    expect(two.end).toBe('reset');
  });

  it('serves a thousand connections at once', async () => {
    const callers = await Promise.all(Array.from({ length: 1_000 }, () => dial('echo')));
    callers.forEach(({ socket }, n) => socket.write(`hello ${n}`));
    await eventually('all have their answer', () => callers.every(({ text }, n) => text === `hello ${n}`));
    expect(echo.sockets.size).toBe(1_000);
    callers.forEach(({ socket }, n) => socket.end(`, bye ${n}`));
    await Promise.all(callers.map(({ closed }) => closed));
    expect(callers.filter(({ end, text }, n) => end !== 'ended' || text !== `hello ${n}, bye ${n}`)).toEqual([]);
    await eventually('nothing is left', async () => {
      const { body } = await laptop().http('/api/v1/listeners');
      return (body as { listeners: { connections: number }[] }).listeners.every(({ connections }) => connections === 0);
    });
  });

  it('is held up by a slow reader of its own alone', async () => {
    let offered = 0;
    const fast = await TestServer.listen((socket) => {
      const block = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (!socket.destroyed) {
          offered += block.length;
          if (!socket.write(block)) break;
        }
      };
      socket.on('drain', more);
      more();
    });
    mesh.node('public').rewrite((document) => ({
      ...document,
      services: [...(document.services ?? []), { address: 'flood', connect: fast.at }],
    }));
    const port = await freePort();
    laptop().rewrite((document) => ({
      ...document,
      listeners: [...(document.listeners ?? []), tcp('flood', port, 'flood')],
    }));
    await listening(laptop(), 'flood');
    const stuck = await eventually('the flood has begun', async () => {
      const caller = await TestCaller.dial(port);
      caller.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return offered > 0 ? caller : undefined;
    });
    let before = -1;
    await eventually('it stands still', async () => {
      const now = offered;
      if (now === before) return true;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return false;
    });
    // Two windows, and what kernels hold on the way.
    expect(offered).toBeLessThan(32 * 1024 * 1024);
    const other = await dial('echo');
    other.socket.end('still here');
    await other.closed;
    expect(other.text).toBe('still here');
    stuck.socket.resume();
    await eventually('it flows again', () => stuck.bytes > offered / 2 && offered > before);
    stuck.socket.resetAndDestroy();
    await eventually('the server is told', () => fast.sockets.size === 0);
    await fast.close();
  });
});

describe('a service that cannot be reached', () => {
  it('is tried at the next site, and refused where there is none; the log says why', async () => {
    const dead = await freePort();
    const port = await freePort();
    mesh.node('private').rewrite((document) => ({
      ...document,
      services: [{ address: 'spare', connect: `127.0.0.1:${dead}` }],
    }));
    laptop().rewrite((document) => ({
      ...document,
      listeners: [...(document.listeners ?? []), tcp('spare', port, 'spare')],
    }));
    await listening(laptop(), 'spare');
    await eventually('it is asked for, in vain, and the log of its own site names it', async () => {
      const refused = await TestCaller.dial(port);
      await refused.closed;
      expect([refused.bytes, refused.end]).toEqual([0, 'reset']);
      return /"event":"service-failed","why":"cannot reach 127\.0\.0\.1:\d+: .*ECONNREFUSED/.test(
        mesh.node('private').log(),
      );
    });
    await eventually('the log of the caller has the code', () => laptop().log().includes('"code":"FL_TUNNEL_REFUSED"'));
    mesh.node('public').rewrite((document) => ({
      ...document,
      services: [...(document.services ?? []), { address: 'spare', connect: echo.at }],
    }));
    await eventually('the farther site takes it', async () => {
      const caller = await TestCaller.dial(port);
      caller.socket.end('over there');
      await caller.closed;
      return caller.text === 'over there';
    });
  });
});

describe('a document that changes', () => {
  it('sends new connections to another service of the same port, and leaves open ones alone', async () => {
    const loud = await TestServer.listen((socket) => {
      socket.on('data', (chunk) => socket.write(chunk.toString().toUpperCase()));
      socket.on('end', () => socket.end());
    });
    mesh.node('public').rewrite((document) => ({
      ...document,
      services: [...(document.services ?? []), { address: 'loud', connect: loud.at }],
    }));
    const before = await dial('echo');
    before.socket.write('one');
    await eventually('echo', () => before.text === 'one');
    laptop().rewrite((document) => ({
      ...document,
      listeners: (document.listeners ?? []).map((each) => (each.name === 'echo' ? { ...each, address: 'loud' } : each)),
    }));
    await eventually('new ones are loud', async () => {
      const caller = await dial('echo');
      caller.socket.end('x');
      await caller.closed;
      return caller.text === 'X';
    });
    mesh.node('public').rewrite((document) => ({
      ...document,
      services: document.services?.filter(({ address }) => address !== 'anycast/echo'),
    }));
    before.socket.write(' two');
    await eventually('the open one goes on', () => before.text === 'one two');
    before.socket.end();
    await before.closed;
    expect(before.end).toBe('ended');
    await loud.close();
  });

  it('ends connections that are idle for as long as it says', async () => {
    const port = await freePort();
    laptop().rewrite((document) => ({
      ...document,
      listeners: [...(document.listeners ?? []), { ...tcp('lazy', port, 'spare'), idle: '1s' }],
    }));
    await listening(laptop(), 'lazy');
    const caller = await TestCaller.dial(port);
    caller.socket.write('x');
    await caller.closed;
    expect([caller.text, caller.end]).toEqual(['x', 'reset']);
  });
});

describe('a node that ends', () => {
  it('ends its connections at both sides within its grace, with exit code 0', async () => {
    const open = await TestCaller.dial(await listening(laptop(), 'spare'));
    open.socket.write('x');
    await eventually('it is open', () => open.text === 'x');
    expect(await mesh.node('public').stop()).toBe(0);
    await open.closed;
    expect(open.end).toBe('reset');
    await mesh.node('public').start();
    await mesh.converged();
    const again = await eventually('the service is back', async () => {
      const next = await TestCaller.dial(await listening(laptop(), 'spare'));
      next.socket.write('y');
      await Promise.race([next.closed, eventually('an answer', () => next.text === 'y').catch(() => undefined)]);
      return next.text === 'y' ? next : undefined;
    });
    expect(await laptop().stop()).toBe(0);
    await again.closed;
    await eventually('the server is told', () => echo.sockets.size === 0);
  });
});
