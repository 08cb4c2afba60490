import * as z from 'zod';
import type { EndpointSettings } from '../webhooks/settings.ts';
import { duration } from './duration.ts';

const actions = ['push', 'pull', 'mount', 'delete'] as const;
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is no header name');

const endpoint = z.strictObject({
  name: z.string().min(1).max(100),
  /** A disabled one gets nothing, and nothing is queued for it. */
  disabled: z.boolean().default(false),
  url: z.url({ protocol: /^https?$/, error: 'is no http(s) address' }),
  headers: z.record(headerName, z.union([z.string(), z.array(z.string())])).default({}),
  timeout: duration.prefault('1s'),
  threshold: z.int().positive().default(10),
  backoff: duration.prefault('1s'),
  /** The older spelling of `ignore.mediatypes`. */
  ignoredmediatypes: z.array(z.string()).default([]),
  ignore: z
    .strictObject({ mediatypes: z.array(z.string()).default([]), actions: z.array(z.enum(actions)).default([]) })
    .prefault({}),
  /** The key that signs deliveries. */
  secret: z.string().min(1).optional(),
});

/** `notifications`: who is told of pushes, pulls and deletions. */
export const notificationsSection = z
  .strictObject({
    endpoints: z.array(endpoint).default([]),
    /** Where events wait that were not delivered yet; for one process alone. */
    queue: z.string().min(1).optional(),
  })
  .prefault({})
  .superRefine(({ endpoints }, context) => {
    for (const [index, { name }] of endpoints.entries()) {
      if (endpoints.findIndex((other) => other.name === name) === index) continue;
      context.addIssue({ code: 'custom', message: `two endpoints are named "${name}"`, path: ['endpoints', index] });
    }
  });

/** The endpoints to tell. */
export function endpointsOf({ endpoints }: z.output<typeof notificationsSection>): EndpointSettings[] {
  return endpoints
    .filter(({ disabled }) => !disabled)
    .map(({ name, url, headers, timeout, threshold, backoff, ignoredmediatypes, ignore, secret }) => ({
      ...{ name, timeout, threshold, backoff, secret },
      url: new URL(url),
      headers: Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [value].flat().join(', ')])),
      ignore: { mediaTypes: [...ignoredmediatypes, ...ignore.mediatypes], actions: ignore.actions },
    }));
}
