import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ClientStore, clientStoreFile } from './client-store';
import { SALVAGE_RECORDS } from './limits';
import { keep, syncPath } from './queue-environment';
import { decodeFact } from './records';
import { type FactsSurvey, surveyFacts } from './store-check';

export interface ClientSalvage {
  readonly survey: FactsSurvey;
  /** Where the damaged store is kept; null where nothing was damaged and it stays as it is. */
  readonly kept: string | null;
  /** Records that the new one has. */
  readonly saved: number;
}

/**
 * Makes a new store of what clients have left of every record of a damaged one that has a right check sum. What is lost of retained messages
 * and of sessions of other nodes comes back from those.
 * @param dataDir whose lock the caller has
 * @throws StoreDamagedError when it is no store at all
 */
export async function salvageClients(dataDir: string, stamp: string): Promise<ClientSalvage> {
  const file = clientStoreFile(dataDir);
  const survey = surveyFacts(file, 'clients');
  if (survey.damages.length === 0) return { survey, kept: null, saved: survey.records };
  const folder = join(dirname(file), 'salvage');
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    // Not even the root can be read: what was before the last transaction is better than nothing.
    const saved = (await copyRecords(file, folder, 0)) || (await copyRecords(file, folder, 1));
    const kept = join(dirname(file), `damaged-${stamp}.mdb`);
    keep(file, kept);
    renameSync(clientStoreFile(folder), file);
    syncPath(dirname(file));
    return { survey, kept, saved };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function copyRecords(file: string, folder: string, back: 0 | 1): Promise<number> {
  const facts: Buffer[] = [];
  surveyFacts(file, 'clients', (record) => void facts.push(Buffer.from(record)), back);
  const store = ClientStore.open(folder);
  try {
    let saved = 0;
    for (const record of facts) {
      const fact = decodeFact(record);
      if (fact === null) continue;
      store.put(fact[1], fact[2]);
      if (++saved % SALVAGE_RECORDS === 0) await committed(store);
    }
    await committed(store);
    return saved;
  } finally {
    await store.close();
  }
}

function committed(store: ClientStore): Promise<void> {
  return new Promise((resolve, reject) =>
    store.commit((error) => {
      if (error === null) resolve();
      else reject(error);
    }),
  );
}
