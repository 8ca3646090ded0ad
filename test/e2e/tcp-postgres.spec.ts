import { eventually } from '../support/eventually';
import { freePort } from '../support/free-ports';
import { Mesh } from '../support/mesh';
import { HAS_POSTGRES, Postgres } from '../support/postgres';

jest.setTimeout(300_000);

(HAS_POSTGRES ? describe : describe.skip)('PostgreSQL two links away', () => {
  let mesh: Mesh;
  let server: Postgres;
  let port: number;

  beforeAll(async () => {
    server = await Postgres.start(await freePort());
    port = await freePort();
    mesh = await Mesh.line(['laptop', 'private', 'public'], {
      documents: {
        laptop: { listeners: [{ name: 'db', protocol: 'tcp', port, address: 'anycast/db' }] },
        public: { services: [{ address: 'anycast/db', connect: `127.0.0.1:${server.port}` }] },
      },
    });
    await mesh.start();
    await eventually('the service is known', async () => {
      const { body } = await mesh.node('laptop').http('/api/v1/services');
      return (body as { services: unknown[] }).services.length === 1;
    });
  });

  afterAll(async () => {
    await mesh.stop();
    await server.stop();
  });

  const psql = async (sql: string): Promise<string> =>
    (await server.client('psql', port, ['-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', sql])).trim();

  it('answers psql, with a large result as well', async () => {
    expect(await psql('select 6 * 7')).toBe('42');
    const rows = (await psql('select repeat(n::text, 100) from generate_series(100000, 119999) n')).split('\n');
    expect(rows).toHaveLength(20_000);
    expect(rows.every((row, n) => row === String(100_000 + n).repeat(100))).toBe(true);
  });

  it('runs pgbench with several clients, whose transactions are all there', async () => {
    await server.client('pgbench', port, ['-i', '-q', '-s', '1']);
    const told = await server.client('pgbench', port, ['-c', '8', '-j', '2', '-t', '50']);
    expect(told).toContain('number of transactions actually processed: 400/400');
    expect(
      await psql('select count(*), sum(delta) = (select sum(abalance) from pgbench_accounts) from pgbench_history'),
    ).toBe('400|t');
  });

  it('is told when a client goes in the middle of a query', async () => {
    const long = server.client('psql', port, ['-X', '-c', "set statement_timeout = '2s'; select pg_sleep(60)"]);
    await expect(long).rejects.toThrow('statement timeout');
    await eventually('no connection is left', async () => {
      const { body } = await mesh.node('public').http('/api/v1/services');
      const { tunnels } = body as { tunnels: { incoming: number } };
      return tunnels.incoming === 0;
    });
  });
});
