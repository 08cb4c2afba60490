import * as z from 'zod';

/** `http.debug`: where the registry tells of itself, without any login: metrics and health. */
export const debugSection = z.strictObject({
  addr: z.string().min(1),
  prometheus: z
    .strictObject({
      enabled: z.boolean().default(false),
      path: z.string().regex(/^\//, 'begins with a slash').default('/metrics'),
    })
    .prefault({}),
});
