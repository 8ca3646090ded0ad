import { Peer, type PeerOptions } from '../client/client.fixture';
import { type BufferIo, bufferIo } from './cli.fixture';
import { runCli } from './program';

let peer: Peer | undefined;

afterEach(async () => {
  await peer?.stop();
  peer = undefined;
});

/** The peer of this test, stopped when it ends. */
export async function startPeer(options: PeerOptions): Promise<Peer> {
  return (peer = await Peer.start(options));
}

/** Runs a command line against a peer. */
export async function fairlead(
  args: readonly string[],
  options: PeerOptions,
  io: BufferIo = bufferIo(),
): Promise<number> {
  const { url } = await startPeer(options);
  return runCli([...args, '--url', url], io);
}
