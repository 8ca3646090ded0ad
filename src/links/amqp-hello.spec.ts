import { readHello } from './amqp-hello';

const OF_A_CLIENT = {
  type: 'open',
  containerId: 'x',
  hostname: null,
  maxFrameSize: 65_536,
  channelMax: 0,
  idleTimeOut: 0,
  offeredCapabilities: [],
  desiredCapabilities: [],
  properties: null,
} as const;

describe('an open that is no node’s', () => {
  it.each([
    [
      'a client that came to a mesh port',
      false,
      /^this port is for links between nodes; clients connect to a listener$/,
    ],
    ['a node that dialled a port of clients', true, /^no mesh port answers there: connect to .* mesh\.listen/],
  ])('tells %s where to go', (_who, dialled, message) => {
    expect(() => readHello(OF_A_CLIENT, dialled)).toThrow(message);
  });
});
