import type { BodyReader } from '../body-reader';
import { ITEM_BYTES_MAX } from '../limits';
import { elementsOf, linesOf, parsed } from './items';

function bodyOf(text: string, size: number): BodyReader {
  const bytes = Buffer.from(text);
  let at = 0;
  const next = (): Promise<Buffer | null> => {
    const chunk = at < bytes.length ? bytes.subarray(at, at + size) : null;
    at += size;
    return Promise.resolve(chunk);
  };
  return { next } as BodyReader;
}

async function all(items: AsyncGenerator<Buffer>): Promise<string[]> {
  const found: string[] = [];
  for await (const item of items) found.push(item.toString());
  return found;
}

const SIZES = [1, 2, 3, 7, 1_000];

describe.each(SIZES)('in pieces of %d bytes', (size) => {
  it('lines are those between newlines, and blank ones are none', async () => {
    expect(await all(linesOf(bodyOf('{"a":1}\n\r\n  \n{"b":"☃"}\r\nlast', size)))).toEqual([
      '{"a":1}',
      '{"b":"☃"}\r',
      'last',
    ]);
  });

  it('elements are the objects of an array', async () => {
    const text = ' [ {"a":"]}\\"{["} ,\n{"b":[{"c":{}}]},{} ] ';
    expect(await all(elementsOf(bodyOf(text, size)))).toEqual(['{"a":"]}\\"{["}', '{"b":[{"c":{}}]}', '{}']);
    expect(await all(elementsOf(bodyOf('[]', size)))).toEqual([]);
  });

  it.each(['', '{}', '[', '[{}', '[{},]', '[{} {}]', '[1]', '[{}]x', '[{}}', '["a"]'])(
    '%j is no array of objects',
    async (text) => {
      await expect(all(elementsOf(bodyOf(text, size)))).rejects.toMatchObject({ code: 'FL_HTTP_REQUEST' });
    },
  );
});

it('an item is bounded', async () => {
  const long = 'x'.repeat(ITEM_BYTES_MAX + 1);
  await expect(all(linesOf(bodyOf(long, 65_536)))).rejects.toMatchObject({ code: 'FL_HTTP_TOO_LARGE' });
  await expect(all(elementsOf(bodyOf(`[{"a":"${long}`, 65_536)))).rejects.toMatchObject({ code: 'FL_HTTP_TOO_LARGE' });
});

it('what is no JSON, or no UTF-8, is told', () => {
  expect(() => parsed(Buffer.from('{'))).toThrow('no JSON');
  expect(() => parsed(Buffer.from([0x22, 0xff, 0x22]))).toThrow('no JSON');
});
