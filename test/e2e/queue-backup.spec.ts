import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { QUEUES } from '../../src/management/schemas';
import { startClient } from '../support/clients/foreign-clients';
import { fairlead } from '../support/command';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';
import { bodyOf, put, take, takeAll } from '../support/queue-messages';

const ADDRESS = 'jobs.x';
const texts = (prefix: string): string[] => [0, 1, 2].map((n) => `${prefix}${n}`);

it('a node restored from a backup numbers what it forwards anew: nothing new is taken for what was forwarded since', async () => {
  const addresses = [{ match: 'jobs.#', kind: 'queue' as const, home: 'far', custody: 'ingress' as const }];
  const mesh = await (await Mesh.line(['near', 'far'], { document: { addresses } })).start();
  const near = mesh.node('near');
  const far = mesh.node('far');
  const client = await startClient('rhea');
  const putAll = async (bodies: readonly string[]): Promise<void> => {
    const connection = await client.connect(near.amqpPort);
    await put(await connection.openSender({ address: `queue/${ADDRESS}` }), bodies);
    await connection.close();
  };
  const arrived = (depth: number): Promise<unknown> =>
    eventually(`${depth} messages at the home`, async () => {
      const { body } = await far.http('/api/v1/queues');
      return QUEUES.parse(body).queues.some(({ name, here }) => name === ADDRESS && here?.depth === depth);
    });

  await putAll(texts('before'));
  await arrived(3);
  await far.stop();
  await putAll(texts('waiting'));
  const copy = mkdtempSync(join(tmpdir(), 'fairlead-backup-'));
  expect(await fairlead('store', 'backup', copy, '-c', near.file)).toMatchObject({ code: 0, stderr: '' });
  await far.start();
  await mesh.converged();
  await arrived(6);
  await putAll(texts('since'));
  await arrived(9);

  await near.stop();
  const data = join(dirname(near.file), 'data');
  rmSync(data, { recursive: true });
  cpSync(copy, data, { recursive: true });
  rmSync(copy, { recursive: true });
  await near.start();
  await mesh.converged();
  await putAll(texts('new'));
  await arrived(12);

  const connection = await client.connect(far.amqpPort);
  const receiver = await connection.openReceiver({ address: `queue/${ADDRESS}`, prefetch: 0 });
  const deliveries = await take(receiver, 12);
  for (const delivery of deliveries) delivery.accept();
  expect(deliveries.map(bodyOf)).toEqual(['before', 'waiting', 'since', 'new'].flatMap(texts));
  expect(await takeAll(receiver)).toEqual([]);
  await client.close();
});
