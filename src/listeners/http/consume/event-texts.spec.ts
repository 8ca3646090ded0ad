import { encodeMessage } from '../../../message/encode-message';
import { dataBody } from '../../../message/message';
import { EventTexts } from './event-texts';

function text(body: string): Buffer {
  return encodeMessage({ properties: { contentType: 'text/plain' }, body: dataBody(Buffer.from(body)) });
}

const HEADERS = '"headers":{"content-type":"text/plain"}';

describe('what event streams tell of a message', () => {
  it('is made once, for however many subscribers', () => {
    const texts = new EventTexts();
    const payload = text('grüße');
    for (let subscriber = 0; subscriber < 50; subscriber++)
      expect(texts.of('topic/a', payload, 0, payload.length)).toBe(`{"address":"topic/a",${HEADERS},"data":"grüße"}`);
    expect(texts.rendered).toBe(1);
  });

  it('is of another message when the same memory holds another one', () => {
    const texts = new EventTexts();
    const memory = Buffer.alloc(200);
    const told = ['one', 'two', 'three', ''].map((body) => {
      const payload = text(body);
      payload.copy(memory, 7);
      return texts.of('topic/a', memory, 7, 7 + payload.length);
    });
    expect(told.map((line) => JSON.parse(line) as { data: string })).toMatchObject(
      ['one', 'two', 'three', null].map((data) => ({ data })),
    );
    expect(texts.rendered).toBe(4);
  });

  it('is of the address by which it comes, and of no longer message that begins alike', () => {
    const texts = new EventTexts();
    const payload = text('one');
    expect(texts.of('topic/a', payload, 0, payload.length)).toContain('"topic/a"');
    expect(texts.of('topic/b', payload, 0, payload.length)).toContain('"topic/b"');
    const longer = Buffer.concat([payload, payload]);
    texts.of('topic/b', longer, 0, longer.length);
    expect(texts.rendered).toBe(3);
    expect(texts.of('topic/b', payload, 0, payload.length)).toContain('"one"');
  });
});
