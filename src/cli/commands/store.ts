import { loadSite } from '../../config/load';
import { formatSize } from '../../config/units';
import { backUp } from '../../store/backup';
import { type Salvage, salvage } from '../../store/salvage';
import { checkStores, type StoreCheck } from '../../store/store-check';
import type { QueueSurvey, StoreSurvey } from '../../store/store-survey';
import { EXIT } from '../exit-codes';
import type { CliIo } from '../io';

export interface StoreOptions {
  readonly config: string;
  readonly json?: boolean;
}

function print(answer: unknown, lines: readonly string[], { json }: StoreOptions, io: CliIo): void {
  if (json) io.out(JSON.stringify(answer, null, 2));
  else for (const line of lines) io.out(line);
}

function dataDirOf({ config }: StoreOptions, io: CliIo): string {
  return loadSite(config, io.env).dataDir;
}

/** Reads all that a node keeps, also while it runs. @returns 4 when something is damaged */
export async function storeCheck(options: StoreOptions, io: CliIo): Promise<number> {
  const check = await checkStores(dataDirOf(options, io));
  print(check, checkLines(check), options, io);
  return isSound(check.queues) && factDamages(check).length === 0 ? EXIT.ok : EXIT.damagedStore;
}

/** Copies all that a node keeps to a folder, also while it runs. @returns 4 when something in the copy is damaged */
export async function storeBackup(folder: string, options: StoreOptions, io: CliIo): Promise<number> {
  const survey = await backUp(dataDirOf(options, io), folder);
  const lines = [
    `${folder}: ${summaryOf(survey)}`,
    'to restore it, copy the folder to the dataDir of a node that is stopped; it numbers what it puts anew',
    ...damageLines(survey),
  ];
  print({ folder, queues: survey }, lines, options, io);
  return isSound(survey) ? EXIT.ok : EXIT.damagedStore;
}

/** Makes a sound store of queues of what can be read of a damaged one. The node must not run. */
export async function storeSalvage(options: StoreOptions, io: CliIo): Promise<number> {
  const stamp = new Date().toISOString().replace(/[:.]/g, '-');
  const { survey, kept, clients } = await salvage(dataDirOf(options, io), stamp);
  const lost = Math.max(survey.recordsWanted - survey.records, 0);
  const lines = [
    `saved ${summaryOf(survey)}`,
    lost === 0 ? 'nothing is lost' : `lost ${lost} of ${survey.recordsWanted} records`,
    ...survey.queues.map(queueLine),
    ...survey.damages.map((damage) => `  ${damage}`),
    `the damaged store is kept as ${kept}`,
    ...clientLines(clients),
  ];
  print({ lost, kept, queues: survey, clients }, lines, options, io);
  return EXIT.ok;
}

function isSound({ damageCount }: StoreSurvey): boolean {
  return damageCount === 0;
}

function summaryOf({ records, queues, fileBytes }: StoreSurvey): string {
  return `${records} records of ${queues.length} queues, ${formatSize(fileBytes)} on disk`;
}

function clientLines(clients: Salvage['clients']): string[] {
  if (clients === null || clients.kept === null) return [];
  const { survey, saved, kept } = clients;
  return [
    `${survey.file}: saved ${saved} records of retained messages and sessions; other nodes have what else there was of theirs`,
    ...survey.damages.map((damage) => `  ${damage}`),
    `the damaged one is kept as ${kept}`,
  ];
}

function factDamages({ state, clients }: StoreCheck): string[] {
  return [...state.damages, ...(clients?.damages ?? [])];
}

function checkLines(check: StoreCheck): string[] {
  const { queues, state, clients } = check;
  return [
    `${queues.file}: ${summaryOf(queues)}`,
    `${state.file}: ${state.records} records`,
    ...(clients === null ? [] : [`${clients.file}: ${clients.records} records`]),
    ...damageLines(queues),
    ...factDamages(check).map((damage) => `  ${damage}`),
    ...(state.damages.length > 0 ? ['the state of the node is damaged: restore it from a backup'] : []),
    ...((clients?.damages.length ?? 0) > 0
      ? ['sessions and retained messages are damaged: stop the node and run fairlead store salvage -c SITE.yaml']
      : []),
    ...(isSound(queues) && factDamages(check).length === 0 ? ['no damage'] : []),
  ];
}

function damageLines(survey: StoreSurvey): string[] {
  if (isSound(survey)) return [];
  const { damages, damageCount, records, recordsWanted } = survey;
  const more = damageCount - damages.length;
  return [
    ...damages.map((damage) => `  ${damage}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    `damaged: ${records} of ${recordsWanted} records can be read; stop the node and run fairlead store salvage -c SITE.yaml, which may find more`,
  ];
}

function queueLine({ queue, name, messages, records, bytes, damaged }: QueueSurvey): string {
  const lost = damaged > 0 ? `, ${damaged} records damaged` : '';
  const told = name ?? `(its name is lost: it is salvaged.${queue} now)`;
  return `  queue ${queue} ${told}: ${messages} messages, ${records} records, ${formatSize(bytes)}${lost}`;
}
