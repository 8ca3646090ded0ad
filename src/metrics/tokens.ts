/** The registry of this node; prom-client's global one would mix several nodes of one process. */
export const METRICS_REGISTRY = Symbol('MetricsRegistry');
