import { Counter, Gauge, type Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

/** Metrics that are read when they are scraped. */
export class Metrics {
  constructor(private readonly registry: Registry) {}

  gauge(name: string, help: string, labelNames: readonly string[], samples: () => Iterable<Sample>): void {
    const metric: Gauge = new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect: () => {
        metric.reset();
        for (const [labels, value] of samples()) metric.inc(labels, value);
      },
    });
  }

  counter(name: string, help: string, labelNames: readonly string[], samples: () => Iterable<Sample>): void {
    const metric: Counter = new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect: () => {
        metric.reset();
        for (const [labels, value] of samples()) metric.inc(labels, value);
      },
    });
  }
}
