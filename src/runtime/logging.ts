import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger, destination, pino } from 'pino';
import type { Journal } from '../common/ports';
import type { CompiledSite } from '../config/site';

export type { Logger };

/** Lines that wait for a slow stderr; past it the newest are dropped rather than memory grown. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};
const SAID_OTHERWISE = new Set(['level', 'time', 'event', 'msg', 'site', 'node', 'pid', 'hostname']);

/** `2026-01-01T00:00:00.000Z WARN link-down link=to-west reason="timed out"` */
export function formatText(line: string): string {
  const record = JSON.parse(line) as Record<string, unknown>;
  const fields = Object.entries(record)
    .filter(([key]) => !SAID_OTHERWISE.has(key))
    .map(
      ([key, value]) =>
        `${key}=${typeof value === 'string' && /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value)}`,
    );
  const level = LEVEL_NAMES[Number(record['level'])] ?? '?';
  const time = new Date(Number(record['time'])).toISOString();
  return `${[time, level, record['event'], record['msg'], ...fields].filter((part) => part !== undefined).join(' ')}\n`;
}

/** The one logger of a process: to stderr, which leaves stdout to answers. */
export function createLogger({ site, node, log }: Pick<CompiledSite, 'site' | 'node' | 'log'>): Logger {
  const stderr = destination({ fd: 2, sync: false, maxLength: WAITING_BYTES_MAX });
  const text: DestinationStream = { write: (line) => void stderr.write(formatText(line)) };
  const logger = pino({ level: log.level, base: { site, node } }, log.format === 'text' ? text : stderr);
  logger.flush = () => stderr.flushSync();
  return logger;
}

export function journalOf(logger: Logger): Journal {
  return {
    info: (event, fields) => logger.info({ event, ...fields }),
    warn: (event, fields) => logger.warn({ event, ...fields }),
  };
}

/** Where Nest logs an error of the start that it then throws: whoever started the node tells it. */
const THROWN_TOO = new Set<unknown>(['NestApplication', 'ExceptionHandler']);

/** What Nest has to say, in our log. Its start-up narration is for debugging. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.logger.debug({ event: 'nest', context: rest.at(-1) }, String(message));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn({ event: 'nest', context: rest.at(-1) }, String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    this.logger[THROWN_TOO.has(context) ? 'debug' : 'error']({ event: 'nest', context }, String(message));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug({ event: 'nest', context: rest.at(-1) }, String(message));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.trace({ event: 'nest', context: rest.at(-1) }, String(message));
  }
}
