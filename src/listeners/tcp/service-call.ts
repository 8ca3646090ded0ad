import type { TunnelHandler } from '../../tunnels/contract';
import type { TunnelPipe } from './tunnel-pipe';

/** What a tunnel tells while its service is being connected to, and then passes on. */
export class ServiceCall implements TunnelHandler {
  readonly givenUp = new AbortController();
  pipe: TunnelPipe | null = null;
  isOver = false;

  onOpen(): void {
    // Only openers are told.
  }
  onRefused(): void {
    // Only openers are told.
  }
  onData(...data: Parameters<TunnelHandler['onData']>): void {
    this.pipe?.onData(...data);
  }
  onEnd(): void {
    this.pipe?.onEnd();
  }
  onWritable(): void {
    this.pipe?.onWritable();
  }
  onReset(reason: Parameters<TunnelHandler['onReset']>[0]): void {
    this.isOver = true;
    this.pipe?.onReset(reason);
    this.givenUp.abort();
  }
}
