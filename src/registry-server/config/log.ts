import * as z from 'zod';

/** `log`: how the registry tells of itself on standard error. */
export const logSection = z
  .strictObject({
    level: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
    formatter: z.enum(['text', 'json']).default('text'),
    /** A line for each request on standard output. */
    accesslog: z.strictObject({ disabled: z.boolean().default(false) }).prefault({}),
    /** On every line. */
    fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  })
  .prefault({});
