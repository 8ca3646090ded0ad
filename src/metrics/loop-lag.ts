import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the loop is asked; delays below this are its resolution and count as none. */
const RESOLUTION_MS = 10;
const WINDOW_MS = 30_000;
const NS_PER_SECOND = 1e9;

export interface LagSample {
  readonly quantile: string;
  readonly seconds: number;
}

const QUANTILES: readonly (readonly [string, number])[] = [
  ['0.5', 50],
  ['0.9', 90],
  ['0.99', 99],
  ['1', 100],
];

/** Delay of the event loop over the last 30 to 60 s: an old stall leaves the view, a short one is not missed by a scrape. */
export class LoopLag {
  #former: IntervalHistogram | null = null;
  #present = open();
  readonly #timer = setInterval(() => this.#turn(), WINDOW_MS).unref();

  samples(): LagSample[] {
    const both = this.#former ? [this.#former, this.#present] : [this.#present];
    return QUANTILES.map(([quantile, percent]) => {
      const worst = Math.max(...both.map((histogram) => (histogram.count > 0 ? histogram.percentile(percent) : 0)));
      return { quantile, seconds: Math.max(0, worst / NS_PER_SECOND - RESOLUTION_MS / 1000) };
    });
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#former?.disable();
    this.#present.disable();
  }

  #turn(): void {
    this.#former?.disable();
    this.#former = this.#present;
    this.#former.disable();
    this.#present = open();
  }
}

function open(): IntervalHistogram {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return histogram;
}
