import { createHash } from 'node:crypto';
import { WireReader, WireWriter } from '../common/wire';
import type { MapStamp } from '../routing/contract';

/** Every record carries a check sum of its own: a flipped bit is damage that is told, never a fact that is believed. */
const SUM_BYTES = 8;

function sumOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, SUM_BYTES);
}

export function seal(bytes: Buffer): Buffer {
  return Buffer.concat([sumOf(bytes), bytes]);
}

/** Null when the bytes are not those that were sealed. */
export function unseal(record: Buffer): Buffer | null {
  const bytes = record.subarray(SUM_BYTES);
  return record.length >= SUM_BYTES && sumOf(bytes).equals(record.subarray(0, SUM_BYTES)) ? bytes : null;
}

export type Fact = readonly [origin: string, key: string, value: Buffer];

export function encodeFact([origin, key, value]: Fact): Buffer {
  return seal(new WireWriter().text(origin).text(key).blob(value).take());
}

export function decodeFact(record: Buffer): Fact | null {
  const bytes = unseal(record);
  if (!bytes) return null;
  const reader = new WireReader(bytes);
  return [reader.text(), reader.text(), Buffer.from(reader.blob())];
}

export type KeptStamp = readonly [origin: string, stamp: MapStamp];

export function encodeStamp([origin, { site, incarnation, born, version }]: KeptStamp): Buffer {
  return seal(new WireWriter().text(origin).text(site).u53(incarnation).u53(born).u48(version).take());
}

export function decodeStamp(record: Buffer): KeptStamp | null {
  const bytes = unseal(record);
  if (!bytes) return null;
  const reader = new WireReader(bytes);
  const origin = reader.text();
  return [origin, { site: reader.text(), incarnation: reader.u53(), born: reader.u53(), version: reader.u48() }];
}

/** LMDB's keys are short, names need not be: a fact is found by the hash of its origin and key. */
export function factId(origin: string, key: string): string {
  return createHash('sha256').update(origin).update('\0').update(key).digest('base64url');
}

export function stampId(origin: string): string {
  return createHash('sha256').update(origin).digest('base64url');
}
