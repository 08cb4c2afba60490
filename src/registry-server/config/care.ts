import * as z from 'zod';
import { parseBytes } from '../../formats/bytes.ts';
import { duration } from './duration.ts';

/** `gc`: the collection of what nothing needs, while the registry is used. */
export const gcSection = z
  .strictObject({
    /** Collects every so often; never by itself without. */
    interval: duration.optional(),
    /** How long a push may take from its first blob to its manifest: nothing younger is collected. */
    grace: duration.prefault('1h'),
  })
  .prefault({});

const retentionRule = z.strictObject({
  /** Which repositories it is for: `*` is anything but a slash, `**` anything. */
  repositories: z.string().min(1),
  /** Which of their tags; all without. */
  tags: z.string().min(1).optional(),
  keeplast: z.int().nonnegative().optional(),
  keeppushedwithin: duration.optional(),
  keeppulledwithin: duration.optional(),
  untaggedolderthan: duration.optional(),
});

export type RetentionRule = z.output<typeof retentionRule>;

/** `retention`: what is removed before each collection. The first rule that fits a repository counts. */
export const retentionSection = z.strictObject({ rules: z.array(retentionRule).default([]) }).prefault({});

/** `500M`, `10g`, or a number of bytes. */
const bytes = z.union([z.int().nonnegative(), z.string()]).transform((value, context) => {
  try {
    return typeof value === 'number' ? value : parseBytes(value);
  } catch {
    context.addIssue({ code: 'custom', message: `"${value}" is no size such as 500M or 10G` });
    return z.NEVER;
  }
});

/** `quota`: how much the blobs of a namespace (`team` for `team` and `team/...`) may take together. */
export const quotaSection = z.array(z.strictObject({ namespace: z.string().min(1), size: bytes })).default([]);

export type Quota = z.output<typeof quotaSection>[number];
