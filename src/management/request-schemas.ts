import { z } from 'zod';

/** What requests are made of. */

/** A body must be there, as JSON: a page of another site cannot send one of that type without being asked for leave first. */
export const bodyOf = <T extends z.ZodRawShape>(shape: T, keys: string) =>
  z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'a JSON object' : `only the keys ${keys}`),
  });

const HOW_MANY = 'a whole number from 1 to 1000';

/** How many rows or messages a query asks for. */
export const howManyOf = (otherwise: number) =>
  z.coerce
    .number({ error: HOW_MANY })
    .int({ error: HOW_MANY })
    .min(1, { error: HOW_MANY })
    .max(1_000, { error: HOW_MANY })
    .default(otherwise);
