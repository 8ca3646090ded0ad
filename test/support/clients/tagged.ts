/** AMQP values as JSON that keeps their types, as the proton driver speaks them; see proton/values.py. */
export interface Tagged {
  readonly t: string;
  readonly v?: string | number | boolean | null | Tagged | readonly Tagged[] | readonly (readonly [Tagged, Tagged])[];
  /** Descriptor of a described value, or of an array's elements. */
  readonly d?: Tagged;
  /** Type of an array's elements. */
  readonly of?: string;
}

/** A message whose fields proton's own encoder is to write, or what its decoder read; see proton/messages.py. */
export type TaggedMessage = Readonly<Record<string, Tagged | boolean>>;

/** The value without its type, as far as JavaScript has one: maps are objects, binaries base64. */
export function plain(tagged: Tagged): unknown {
  const { t, v } = tagged;
  if (t === 'null') return null;
  if (t === 'list' || t === 'array') return (v as readonly Tagged[]).map(plain);
  if (t === 'map') {
    const entries = v as readonly (readonly [Tagged, Tagged])[];
    return Object.fromEntries(entries.map(([key, value]) => [String(plain(key)), plain(value)]));
  }
  if (t === 'described') return { descriptor: plain(tagged.d as Tagged), value: plain(v as Tagged) };
  if (['ubyte', 'ushort', 'uint', 'byte', 'short', 'int'].includes(t)) return Number(v);
  return v;
}

export const tag = {
  string: (v: string): Tagged => ({ t: 'string', v }),
  symbol: (v: string): Tagged => ({ t: 'symbol', v }),
  binary: (v: Buffer): Tagged => ({ t: 'binary', v: v.toString('base64') }),
  boolean: (v: boolean): Tagged => ({ t: 'boolean', v }),
  whole: (t: string, v: number | bigint): Tagged => ({ t, v: String(v) }),
  list: (...v: readonly Tagged[]): Tagged => ({ t: 'list', v }),
  map: (...v: readonly (readonly [Tagged, Tagged])[]): Tagged => ({ t: 'map', v }),
};
