import { existsSync, readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { parse } from 'yaml';
import { parseDocument } from '../../src/config/load';
import type { CompiledSite } from '../../src/config/site';

const ROOT = resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

interface Service {
  readonly build: { readonly context: string; readonly dockerfile: string };
  readonly command: readonly string[];
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);

/** Where a volume of a service is mounted, by what is mounted there. */
function mountsOf({ volumes }: Service): Map<string, string> {
  return new Map(volumes.map((volume) => volume.split(':', 2) as [string, string]));
}

/** The document in the repository that a service's command names inside its container. */
function documentOf(service: Service): string {
  const inside = service.command[service.command.indexOf('-c') + 1] ?? '';
  const [folder, mount] = [...mountsOf(service)].find(([from, to]) => /^\./.test(from) && inside.startsWith(to)) ?? [];
  if (folder === undefined || mount === undefined) throw new Error(`nothing is mounted at ${inside}`);
  return posix.join(folder, posix.relative(mount, inside));
}

function siteOf(service: Service): CompiledSite {
  const file = documentOf(service);
  return parseDocument(file, read(file), {});
}

interface Instruction {
  readonly name: string;
  readonly text: string;
}

function instructionsOf(file: string): Instruction[] {
  const lines = read(file)
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => ({ name: line.split(' ', 1)[0] ?? '', text: line.slice(line.indexOf(' ') + 1).trim() }));
}

const DOCKERFILE = 'deploy/Dockerfile';
const instructions = instructionsOf(DOCKERFILE);
const all = (name: string): string[] => instructions.filter((each) => each.name === name).map(({ text }) => text);

describe('docker-compose.yml', () => {
  it('has three sites', () => expect(services.map(([name]) => name)).toEqual(['laptop', 'private', 'public']));

  it.each(services)('mounts a document of the site %s that a node takes', (name, service) => {
    expect(service.command.slice(0, 2)).toEqual(['run', '-c']);
    expect(siteOf(service).site).toBe(name);
  });

  it.each(services)('publishes ports of %s on loopback only, and such as its document binds', (_name, service) => {
    const { http, listeners } = siteOf(service);
    const bound = [http, ...listeners];
    expect(bound.map(({ host }) => host)).toEqual(bound.map(() => '0.0.0.0'));
    const published = service.ports.map((port) => /^127\.0\.0\.1:\d+:(\d+)$/.exec(port)?.[1]);
    expect(published.map(Number).sort()).toEqual(bound.map(({ port }) => port).sort());
  });

  it('publishes no port twice', () => {
    const outside = services.flatMap(([, { ports }]) => ports.map((port) => port.split(':')[1]));
    expect(new Set(outside).size).toBe(outside.length);
  });

  it('links services that listen there, to a mesh of all of them', () => {
    const reached = new Set<string>();
    for (const [name, service] of services)
      for (const { host, port } of siteOf(service).mesh.links) {
        const { listen } = siteOf(compose.services[host]!).mesh;
        expect(listen).toContainEqual({ host: '0.0.0.0', port });
        reached.add(name).add(host);
      }
    expect([...reached].sort()).toEqual(services.map(([name]) => name));
  });

  it.each(services)('keeps the state of %s in a volume of its own', (name, service) => {
    expect(compose.volumes).toHaveProperty(name);
    expect(mountsOf(service).get(name)).toBe(siteOf(service).dataDir);
    expect(all('VOLUME')).toEqual([siteOf(service).dataDir]);
  });

  it.each(services)('builds %s from the file that is there', (_name, { build }) => {
    expect(posix.join(build.context, build.dockerfile)).toBe(DOCKERFILE);
  });
});

describe(DOCKERFILE, () => {
  const stages = all('FROM').map((text) => /^(\S+?):(\S+)(?: AS (\S+))?$/.exec(text)?.slice(1));

  it('builds and runs on one release of Node, by its tag', () => {
    expect(stages.map((stage) => stage?.slice(0, 2))).toEqual([
      ['node', '24-bookworm-slim'],
      ['node', '24-bookworm-slim'],
    ]);
  });

  it('copies what is in the repository and not kept from the build', () => {
    const ignored = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(ignored.filter((pattern) => /[*?!/[]/.test(pattern))).toEqual([]); // names of the top folder: all that is compared
    const sources = all('COPY')
      .filter((text) => !text.startsWith('--from='))
      .flatMap((text) => text.split(' ').slice(0, -1));
    expect(sources).toEqual(expect.arrayContaining(['package.json', 'package-lock.json', 'src']));
    expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([]);
    expect(sources.filter((source) => ignored.includes(source.split('/')[0] ?? ''))).toEqual([]);
  });

  it('takes from a stage before it what that stage has made', () => {
    const names = stages.map((stage) => stage?.[2]);
    const taken = all('COPY').filter((text) => text.startsWith('--from='));
    expect(taken.map((text) => /^--from=(\S+) \/app\/(\S+) /.exec(text)?.slice(1))).toEqual([
      [names[0], 'package.json'],
      [names[0], 'node_modules'],
      [names[0], 'dist'],
    ]);
  });

  it('runs scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = all('RUN').flatMap((text) => [...text.matchAll(/npm run (\S+)/g)].map(([, name = '']) => name));
    expect(named).toEqual(['build']);
    for (const name of named) expect(existsSync(join(ROOT, scripts[name]?.split(' ')[1] ?? 'missing'))).toBe(true);
  });

  it('has a health check that asks where every document answers', () => {
    const [, port] = /http:\/\/127\.0\.0\.1:(\d+)\/health\/live/.exec(all('HEALTHCHECK').join()) ?? [];
    for (const [, service] of services) expect(siteOf(service).http.port).toBe(Number(port));
  });

  it('runs as a user without rights, and gets signals itself', () => {
    expect(all('USER')).toEqual(['node']);
    expect(all('RUN').join()).toContain(`install -d -o node -g node ${all('VOLUME').join()}`);
    expect(JSON.parse(all('ENTRYPOINT').join())).toEqual(['fairlead']);
  });
});
