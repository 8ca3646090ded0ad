import { nodeIdOf, type NodeIdentity, type PeerHello } from './contract';
import { LinkRefusedError } from './errors';
import { agree } from './handshake';
import { COST_MAX, NAME_BYTES_MAX, PROTOCOL_MAX, PROTOCOL_MIN } from './limits';

const SELF: NodeIdentity = { id: nodeIdOf('east'), name: 'east', site: 'east', incarnation: 100 };
const HELLO: PeerHello = {
  node: 'west',
  site: 'west-site',
  incarnation: 7,
  protocolMin: PROTOCOL_MIN,
  protocolMax: PROTOCOL_MAX,
  link: 'to-west',
  cost: 10,
};

function refusal(hello: Partial<PeerHello>): LinkRefusedError {
  try {
    agree(SELF, { ...HELLO, ...hello });
  } catch (error) {
    if (error instanceof LinkRefusedError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('the handshake', () => {
  it('agrees on what the dialling side says', () => {
    expect(agree(SELF, HELLO)).toEqual({
      peer: { id: nodeIdOf('west'), name: 'west', site: 'west-site', incarnation: 7 },
      protocol: PROTOCOL_MAX,
      linkName: 'to-west',
      cost: 10,
    });
  });

  it('takes the highest version that both speak, and later versions of the other side in its stride', () => {
    expect(agree(SELF, { ...HELLO, protocolMax: PROTOCOL_MAX + 5 }).protocol).toBe(PROTOCOL_MAX);
  });

  it.each([
    ['FL_LINK_PROTOCOL', { protocolMin: PROTOCOL_MAX + 1, protocolMax: PROTOCOL_MAX + 3 }, /speaks mesh protocol/],
    ['FL_LINK_PROTOCOL', { protocolMin: NaN, protocolMax: NaN }, /speaks mesh protocol/],
    ['FL_LINK_SELF', { node: 'east', incarnation: 100 }, /leads back to this node/],
    ['FL_LINK_DUPLICATE_NAME', { node: 'east', incarnation: 101 }, /another process named 'east'/],
    ['FL_LINK_HELLO', { node: '' }, /name of 1 to/],
    ['FL_LINK_HELLO', { site: 'ä'.repeat(NAME_BYTES_MAX) }, /name of 1 to/],
    ['FL_LINK_HELLO', { cost: 0 }, /cost 0/],
    ['FL_LINK_HELLO', { cost: COST_MAX + 1 }, /cost/],
    ['FL_LINK_HELLO', { cost: 1.5 }, /cost/],
    ['FL_LINK_HELLO', { incarnation: 0 }, /incarnation 0/],
    ['FL_LINK_HELLO', { incarnation: 2 ** 53 }, /incarnation/],
  ])('refuses with %s: %j', (code, hello, message) => {
    const error = refusal(hello as Partial<PeerHello>);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it("refuses a name that has this node's hash", () => {
    // FNV-1a: two names of one hash.
    const self = { ...SELF, name: 'costarring', id: nodeIdOf('costarring') };
    expect(nodeIdOf('liquid')).toBe(self.id);
    expect(() => agree(self, { ...HELLO, node: 'liquid' })).toThrow(/same hash: rename one of them/);
  });
});
