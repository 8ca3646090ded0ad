import type { Protocol } from './fields';

/** What the texts beside a body are called in a protocol, and what they can hold. */
export interface EntryPort {
  readonly protocol: Protocol;
  /** Whether a text can stand there as it is. */
  fits(text: string): boolean;
  /** The same of what the protocol has names of its own for. */
  fitsNative(text: string): boolean;
  /** The name under which an application property travels by itself; null where it cannot. @param event it is one of a CloudEvent */
  entryOf(property: string, event: boolean): string | null;
  /** The application property that an entry stands for; null for what is none. */
  propertyOf(entry: string, event: boolean): string | null;
  /** The name of a property within the name of the entry that tells its type; null where it cannot stand there. */
  encodeName(property: string): string | null;
  decodeName(encoded: string): string;
}

const ESCAPE = 'json:';

/** A text of an entry of ours: one that cannot stand as it is, or looks like an escape, is a JSON string behind `json:`. */
export function escapeText(text: string, fits: (text: string) => boolean): string {
  return text.startsWith(ESCAPE) || !fits(text) ? ESCAPE + JSON.stringify(text) : text;
}

/** The inverse; null where the escape is broken. */
export function unescapeText(text: string): string | null {
  if (!text.startsWith(ESCAPE)) return text;
  try {
    const inner: unknown = JSON.parse(text.slice(ESCAPE.length));
    return typeof inner === 'string' && !/\p{Surrogate}/u.test(inner) ? inner : null;
  } catch {
    return null;
  }
}
