import type { z } from 'zod';
import { describeValue } from '../config/problems';
import { RequestError } from './request-error';

/** What a request says. @throws RequestError that names the first thing that is wrong */
export function readRequest<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = issue?.path[0]?.toString();
  const found = key === undefined ? value : (value as Record<string, unknown> | null)?.[key];
  throw new RequestError(key ?? 'body', issue?.message ?? 'what docs/reference says', describeValue(found, key));
}
