import { exceptionText, headingPart, headingText, readHeading } from './put-heading';

describe('a heading', () => {
  it('is read by each node for itself', () => {
    const told = headingText(
      [
        headingPart('a', 1, ''),
        headingPart('b', 46, exceptionText(5, false) + exceptionText(6, true) + exceptionText(70, false)),
      ],
      'news.x:y',
    );
    expect(told).toBe('a=1,b=1a!5+6!1y:news.x:y');
    expect(readHeading(told, 'a')).toEqual({ topic: 'news.x:y', clock: 1, without: [], with: [] });
    expect(readHeading(told, 'b')).toEqual({ topic: 'news.x:y', clock: 46, without: [5, 70], with: [6] });
  });

  it.each(['', 'a', ':x', 'b=1:x', 'a=:x', 'a=#:x', 'a=123456789012:x', 'aa=1:x', 'a=1!:x', 'a=1!+2:x', 'a=1?2:x'])(
    'says nothing: %s',
    (told) => {
      expect(readHeading(told, 'a')).toBeNull();
    },
  );
});
