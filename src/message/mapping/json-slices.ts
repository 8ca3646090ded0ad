/** A member of an object or an element of an array, as it stands in its text. */
export interface JsonSlice {
  /** Null within an array. */
  readonly name: string | null;
  readonly text: string;
}

/**
 * What an object or array holds, each as it stands: parsed and written again, long numbers would be others.
 * @param text JSON that has been parsed without an error, so that its form is not checked again
 * @param most how many are looked for
 */
export function slicesOf(text: string, most: number): readonly JsonSlice[] {
  const slices: JsonSlice[] = [];
  let at = skipSpace(text, 0);
  const named = text[at] === '{';
  at = skipSpace(text, at + 1);
  while (at < text.length && text[at] !== '}' && text[at] !== ']' && slices.length < most) {
    let name: string | null = null;
    if (named) {
      const end = valueEnd(text, at);
      name = JSON.parse(text.slice(at, end)) as string;
      // Behind the colon.
      at = skipSpace(text, skipSpace(text, end) + 1);
    }
    const end = valueEnd(text, at);
    slices.push({ name, text: text.slice(at, end) });
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return slices;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (' \t\r\n'.includes(text[at] ?? 'x')) at++;
  return at;
}

/** Offset behind the value that begins at `from`. */
function valueEnd(text: string, from: number): number {
  if (text[from] === '"') return stringEnd(text, from);
  if (text[from] !== '{' && text[from] !== '[') {
    let at = from;
    while (at < text.length && !' \t\r\n,]}'.includes(text[at] as string)) at++;
    return at;
  }
  let depth = 0;
  let at = from;
  do {
    const char = text[at];
    if (char === '"') at = stringEnd(text, at);
    else {
      if (char === '{' || char === '[') depth++;
      else if (char === '}' || char === ']') depth--;
      at++;
    }
  } while (depth > 0 && at < text.length);
  return at;
}

function stringEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
