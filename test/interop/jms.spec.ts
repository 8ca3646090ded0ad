import { join } from 'node:path';
import { Mesh } from '../support/mesh';
import { JavaProject, javaMissing } from './java-project';

/** Covers building the program, with what Maven fetches for it, and a run of all its scenarios. */
jest.setTimeout(300_000);

const MAIN = 'fairlead.interop.Main';

const SCENARIOS: readonly string[] = [
  'queue',
  'queue-keeps',
  'queue-far',
  'non-persistent',
  'anonymous-producer',
  'listener',
  'completion',
  'large-message',
  'competing',
  'groups',
  'body-text',
  'body-bytes',
  'body-map',
  'body-object',
  'body-stream',
  'body-none',
  'properties',
  'headers',
  'ack-auto',
  'ack-dups-ok',
  'ack-client',
  'ack-none',
  'recover',
  'priority',
  'ttl',
  'delay',
  'selectors',
  'selector-grammar',
  'selector-errors',
  'browser',
  'browser-selector',
  'request-reply',
  'temporary-queue',
  'temporary-queue-deleted',
  'temporary-queue-gone',
  'temporary-topic',
  'topic',
  'topic-selector',
  'no-local',
  'topic-delay',
  'shared',
  'durable',
  'durable-roams',
  'durable-selector',
  'durable-changed',
  'durable-no-local',
  'durable-unacknowledged',
  'durable-delay',
  'durable-unsubscribe',
  'durable-unsubscribe-active',
  'shared-durable',
  'shared-durable-team',
  'shared-durable-global',
];

/** Transactions that only send. */
const SENDS: readonly string[] = ['tx-send-commit', 'tx-send-rollback', 'tx-send-two-queues', 'tx-send-topic'];

/** What is received from a queue of another site cannot be part of a transaction. */
const AT_HOME: readonly string[] = ['tx-receive-commit', 'tx-receive-rollback', 'tx-both', 'tx-closed', 'tx-many'];
const ELSEWHERE: readonly string[] = ['tx-receive-far'];

/** What the program told of one scenario. */
interface Told {
  readonly failed: string[];
  checks: number;
  done: boolean;
}

interface Line {
  readonly scenario: string;
  readonly check?: string;
  readonly ok?: boolean;
  readonly detail?: string;
}

function read(lines: readonly string[]): Map<string, Told> {
  const told = new Map<string, Told>();
  for (const text of lines) {
    const { scenario, check, ok, detail } = JSON.parse(text) as Line;
    const about = told.get(scenario) ?? { failed: [], checks: 0, done: false };
    told.set(scenario, about);
    if (check === undefined) about.done = true;
    else about.checks++;
    if (check !== undefined && ok !== true) about.failed.push(`${check}: ${detail}`);
  }
  return told;
}

const missing = javaMissing();
if (missing !== null && process.env['CI'] === 'true') throw new Error(missing);
if (missing !== null) console.warn(`SKIPPED: Qpid JMS; ${missing}`);

(missing === null ? describe : describe.skip)('Qpid JMS', () => {
  let program: JavaProject;
  let mesh: Mesh;

  beforeAll(async () => {
    program = await JavaProject.build(join(__dirname, 'jms'));
    const rule = (match: string, kind: 'queue' | 'topic', home?: string) => ({ match, kind, ...(home && { home }) });
    const addresses = [rule('here.q.#', 'queue', 'near'), rule('there.q.#', 'queue', 'far'), rule('*.t.#', 'topic')];
    mesh = await Mesh.line(['near', 'far'], { documents: { near: { addresses } } });
    await mesh.start();
  });

  it('has no scenario that this list does not name', async () => {
    const known = [...SCENARIOS, ...SENDS, ...AT_HOME, ...ELSEWHERE];
    expect(known.sort()).toEqual([...(await program.run(MAIN))].sort());
  });

  describe.each([
    ['queues, and subscriptions, at the node that clients connect to', 'here', [...SCENARIOS, ...SENDS, ...AT_HOME]],
    ['queues, and subscriptions, at another site', 'there', [...SCENARIOS, ...SENDS, ...ELSEWHERE]],
  ])('%s', (_where, prefix, scenarios) => {
    let told: Map<string, Told>;

    beforeAll(async () => {
      const url = (name: string): string => `amqp://127.0.0.1:${mesh.node(name).amqpPort}`;
      told = read(await program.run(MAIN, url('near'), url('far'), prefix, ...scenarios));
    });

    it.each(scenarios)('%s', (scenario) => {
      const { failed, checks, done } = told.get(scenario) ?? { failed: ['it was not run'], checks: 0, done: false };
      if (failed.length > 0) throw new Error(`${failed.join('\n')}\n${mesh.logTails()}`);
      expect([done, checks > 0]).toEqual([true, true]);
    });
  });
});
