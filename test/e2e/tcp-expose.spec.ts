import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { EXPOSE_PROTOCOL } from '../../src/management/expose-protocol';
import { httpJson } from '../support/http-json';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-ports';
import { Mesh } from '../support/mesh';
import { leash } from '../support/reaper';
import { sendPattern, TestCaller, TestServer } from '../support/tcp-services';

const PROGRAM = resolve(__dirname, '../../dist/cli/main.js');
const MIB = 1024 * 1024;

let mesh: Mesh;
let port: number;
let server: TestServer;

/** What a node answers who wants to expose something, and may not. */
function upgradeRefused(httpPort: number, path: string): Promise<string> {
  const headers = { connection: 'upgrade', upgrade: EXPOSE_PROTOCOL };
  return new Promise((done, fail) =>
    request({ host: '127.0.0.1', port: httpPort, path, headers })
      .on('response', (answer) => done(text(answer)))
      .on('upgrade', () => fail(new Error('it was let in')))
      .on('error', fail)
      .end(),
  );
}

/** `fairlead expose` of a test, with what it says. */
class Exposing {
  out = '';
  readonly code: Promise<number | null>;
  private constructor(readonly process: ChildProcess) {
    process.stdout?.on('data', (text: Buffer) => (this.out += text.toString()));
    process.stderr?.on('data', (text: Buffer) => (this.out += text.toString()));
    this.code = new Promise((done) => process.once('exit', done));
  }
  static start(what: string, as: string, url: string): Exposing {
    const child = spawn(process.execPath, [PROGRAM, 'expose', what, '--as', as, '--url', url]);
    leash(child);
    return new Exposing(child);
  }
}

const url = (): string => `http://127.0.0.1:${mesh.node('public').httpPort}`;

/** Dials until the answer is there: it takes a moment until a service is known, or not any more. */
const asked = (end: 'ended' | 'reset'): Promise<TestCaller> =>
  eventually(`a caller is ${end}`, async () => {
    const caller = await TestCaller.dial(port);
    caller.socket.end('question');
    await caller.closed;
    return caller.end === end ? caller : undefined;
  });

beforeAll(async () => {
  server = await TestServer.listen((socket) => {
    const hash = createHash('sha256');
    let first = '';
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      if (first === '') first = chunk.toString('latin1', 0, 8);
    });
    socket.on('end', () => socket.end(`${first === 'question' ? 'answer' : hash.digest('hex')}`));
  });
  port = await freePort();
  mesh = await Mesh.line(['laptop', 'public'], {
    documents: { laptop: { listeners: [{ name: 'shop', protocol: 'tcp', port, address: 'anycast/shop' }] } },
  });
  await mesh.start();
});

afterAll(async () => {
  await mesh.stop();
  await server.close();
});

describe('fairlead expose', () => {
  it('offers a local port for as long as it runs, and not longer', async () => {
    const command = Exposing.start(String(server.port), 'shop', url());
    await eventually('it says so', () => command.out.includes(`is offered as anycast/shop at ${url()}`));
    expect((await asked('ended')).text).toBe('answer');
    const bulk = await TestCaller.dial(port);
    const sent = await sendPattern(bulk.socket, 32 * MIB);
    await bulk.closed;
    expect([bulk.end, bulk.text]).toEqual(['ended', sent]);
    const many = await Promise.all(Array.from({ length: 50 }, () => TestCaller.dial(port)));
    for (const { socket } of many) socket.end('question');
    await Promise.all(many.map(({ closed }) => closed));
    expect(many.map(({ text }) => text)).toEqual(many.map(() => 'answer'));
    const open = await TestCaller.dial(port);
    open.socket.write('question');
    await eventually('it is through', () => server.sockets.size === 1);
    command.process.kill('SIGINT');
    expect(await command.code).toBe(0);
    await open.closed;
    expect(open.end).toBe('reset');
    await asked('reset');
    await eventually('nothing is left', async () => {
      const { body } = await mesh.node('public').http('/api/v1/services');
      const { services, tunnels } = body as { services: unknown[]; tunnels: { incoming: number } };
      return services.length === 0 && tunnels.incoming === 0;
    });
  });

  it('tells callers that nothing listens there, and its user as well', async () => {
    const dead = await freePort();
    const command = Exposing.start(String(dead), 'shop', url());
    await eventually('it says so', () => command.out.includes('is offered'));
    await eventually('it is asked for, in vain, and tells why', async () => {
      await asked('reset');
      return command.out.includes(`127.0.0.1:${dead} does not answer: `);
    });
    command.process.kill('SIGINT');
    expect(await command.code).toBe(0);
  });

  it('comes back when its node does, and fails where there is none', async () => {
    const command = Exposing.start(`127.0.0.1:${server.port}`, 'anycast/shop', url());
    await eventually('it says so', () => command.out.includes('is offered'));
    await mesh.node('public').restart('kill');
    await eventually('it is tried again', () => (command.out.match(/is offered/g) ?? []).length === 2);
    await mesh.converged();
    expect((await asked('ended')).text).toBe('answer');
    command.process.kill('SIGINT');
    expect(await command.code).toBe(0);
    const lost = Exposing.start(String(server.port), 'shop', `http://127.0.0.1:${await freePort()}`);
    expect(await lost.code).toBe(1);
    expect(lost.out).toContain('FL_API_UNREACHABLE');
  });

  it('is the only thing that the port of the API can become', async () => {
    const { httpPort } = mesh.node('public');
    const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/expose?as=x`);
    expect(answer.status).toBe(404);
    expect((await httpJson(httpPort, '/api/v1/status')).status).toBe(200);
    expect(await upgradeRefused(httpPort, '/api/v1/expose?as=')).toContain('"FL_TUNNEL_NAME"');
    const command = Exposing.start(String(server.port), 'anycast/', url());
    expect(await command.code).toBe(1);
    expect(command.out).toContain('Expected the name of a service');
  });
});
