import * as z from 'zod';
import { parseBytes } from '../../formats/bytes.ts';
import { duration } from './duration.ts';

const bytes = z.string().transform((text, context) => {
  try {
    return parseBytes(text);
  } catch {
    context.addIssue({ code: 'custom', message: `"${text}" is no number of bytes such as 500m or 10g` });
    return z.NEVER;
  }
});
const repeated = { interval: duration.prefault('10s'), threshold: z.int().positive().default(1) };
const headers = z.record(z.string(), z.array(z.string())).default({});

/** `health`: what has to be as it should for `/healthz` to say so. */
export const healthSection = z
  .strictObject({
    storagedriver: z
      .strictObject({
        enabled: z.boolean().default(true),
        ...repeated,
        threshold: z.int().positive().default(3),
        /** Room that has to be left on a file system. */
        minfree: bytes.prefault('100m'),
      })
      .prefault({}),
    /** Files whose being there says that the server is to be taken out of service. */
    file: z.array(z.strictObject({ file: z.string().min(1), interval: repeated.interval })).default([]),
    http: z
      .array(
        z.strictObject({
          uri: z.url({ protocol: /^https?$/, error: 'is no http(s) address' }),
          statuscode: z.int().default(200),
          timeout: duration.prefault('5s'),
          headers,
          ...repeated,
        }),
      )
      .default([]),
    tcp: z
      .array(z.strictObject({ addr: z.string().min(1), timeout: duration.prefault('5s'), ...repeated }))
      .default([]),
  })
  .prefault({});

export type HealthSection = z.output<typeof healthSection>;
