import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { ClientStore } from './client-store';
import { CLIENTS_DB, OPEN_OPTIONS } from './environment';
import { seal } from './records';

describe('the store of what clients leave', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'client-store-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const commit = (store: ClientStore): Promise<Error | null> => new Promise((done) => store.commit(done));
  const all = (store: ClientStore): Record<string, string> => {
    const found: Record<string, string> = {};
    store.load((key, value) => (found[key] = value.toString()));
    return found;
  };

  it('has what was committed when it is opened again, whatever the length of keys', async () => {
    const store = ClientStore.open(folder);
    const long = 't'.repeat(5_000);
    store.put(long, Buffer.from('long'));
    store.put('gone', Buffer.from('x'));
    expect(await commit(store)).toBeNull();
    store.put('gone', null);
    store.put('other', Buffer.from('y'));
    expect(await commit(store)).toBeNull();
    await store.close();
    const again = ClientStore.open(folder);
    expect(all(again)).toEqual({ [long]: 'long', other: 'y' });
    await again.close();
  });

  it.each([
    ['a record whose check sum is wrong', 'FL_STORE_DAMAGED'],
    ['another format', 'FL_STORE_VERSION'],
  ])('is not opened with %s', async (what, code) => {
    await ClientStore.open(folder).close();
    const root = open<Buffer, string>({ path: join(folder, 'clients'), ...OPEN_OPTIONS });
    if (what === 'another format') await root.put('format', seal(Buffer.from('99')));
    else await root.openDB<Buffer, string>(CLIENTS_DB).put('id', Buffer.alloc(20, 1));
    await root.close();
    const opened = (): void => void all(ClientStore.open(folder));
    expect(opened).toThrow(expect.objectContaining({ code }));
  });

  it('is not opened where another process has died of it', () => {
    expect(() => ClientStore.open(folder, () => 'its pages lead nowhere')).toThrow('its pages lead nowhere');
  });
});
