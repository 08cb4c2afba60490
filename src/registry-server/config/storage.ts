import * as z from 'zod';
import { duration } from './duration.ts';
import { s3Section } from './s3.ts';

/** The parameters of each storage driver, by its name; one of them is given. */
export const storageSections = {
  filesystem: z.strictObject({ rootdirectory: z.string().min(1).default('/var/lib/registry') }),
  s3: s3Section,
};

const uploadPurging = z.strictObject({
  enabled: z.boolean().default(true),
  /** How long after its start an upload that was not finished is removed. */
  age: duration.prefault('168h'),
  interval: duration.prefault('24h'),
  /** Only says in the log what would be removed. */
  dryrun: z.boolean().default(false),
});

const maintenance = z.strictObject({
  uploadpurging: uploadPurging.prefault({}),
  readonly: z.strictObject({ enabled: z.boolean().default(false) }).prefault({}),
});

/** `storage`: what the registry is kept in, and how it is cared for. */
export const storageSection = z
  .strictObject({
    filesystem: storageSections.filesystem.optional(),
    s3: storageSections.s3.optional(),
    delete: z.strictObject({ enabled: z.boolean().default(false) }).prefault({}),
    cache: z
      .strictObject({
        blobdescriptor: z.literal('inmemory', { error: 'is "inmemory", or cache is absent' }),
        /** How many are remembered. */
        blobdescriptorsize: z.int().positive().default(10_000),
      })
      .optional(),
    maintenance: maintenance.prefault({}),
  })
  .prefault({})
  .superRefine((section, context) => {
    const given = Object.keys(storageSections).filter((name) => section[name as keyof typeof storageSections]);
    if (given.length > 1) {
      context.addIssue({ code: 'custom', message: `only one storage can be given, not ${given.join(' and ')}` });
    }
  });
