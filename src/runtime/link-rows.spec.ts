import { linkRows, type DialledLink } from './link-rows';
import { view, WEST } from './runtime.fixture';

function dialled(more: Partial<DialledLink['dialler']> = {}): DialledLink {
  const dialler = {
    link: null,
    peer: null,
    whyDown: null,
    since: 0,
    setCost: () => undefined,
    close: () => Promise.resolve(),
    ...more,
  };
  return { spec: { name: 'to-west', host: 'west', port: 1, cost: 10 } as DialledLink['spec'], dialler };
}

describe('rows of links', () => {
  it('show a link of the document before it was ever open, and why it is not', () => {
    expect(linkRows([dialled()], [])).toMatchObject([
      { name: 'to-west', state: 'connecting', configured: true, peer: null },
    ]);
    const refused = dialled({ whyDown: 'connect ECONNREFUSED' });
    expect(linkRows([refused], [])).toMatchObject([{ state: 'down', whyDown: 'connect ECONNREFUSED' }]);
  });

  it('show an open link as the mesh node sees it', () => {
    const [row] = linkRows([dialled({ link: 1 })], [view({ link: 1, roundTripMs: 2 })]);
    expect(row).toMatchObject({
      state: 'up',
      configured: true,
      peer: { node: WEST.name, site: WEST.site },
      roundTripMs: 2,
    });
  });

  it('remember the peer of a link that went down', () => {
    const [row] = linkRows(
      [dialled({ whyDown: 'cut', peer: { node: WEST.name, site: WEST.site } })],
      [view({ link: 1, state: 'down', whyDown: 'silence' })],
    );
    expect(row).toMatchObject({ state: 'down', peer: { node: WEST.name }, whyDown: 'cut', bytesIn: 100 });
  });

  it('show accepted links while they are alive, as nobody here configured them', () => {
    const accepted = view({ link: 2, name: 'theirs' });
    expect(linkRows([], [accepted, view({ link: 3, name: 'gone', state: 'down' })])).toMatchObject([
      { name: 'theirs', configured: false, state: 'up' },
    ]);
  });
});
