import * as z from 'zod';

const mebibyte = 1024 * 1024;
/** What S3 takes as a part of an object, but for the last one (AWS, "Amazon S3 multipart upload limits"). */
const smallestPart = 5 * mebibyte;

/** `storage.s3`: the keys of CNCF distribution's S3 driver. Without keys of access, the AWS ways of finding them are gone. */
export const s3Section = z
  .strictObject({
    accesskey: z.string().optional(),
    secretkey: z.string().optional(),
    sessiontoken: z.string().optional(),
    region: z.string().optional(),
    /** A store other than Amazon's: `http://host:port`, or a host. */
    regionendpoint: z.string().optional(),
    /** `host/bucket/key` rather than `bucket.host/key`; given a regionendpoint, it is the rule. */
    forcepathstyle: z.boolean().optional(),
    bucket: z.string().min(1),
    /** Keeps objects encrypted by the store; with `keyid`, by that key of its KMS. */
    encrypt: z.boolean().default(false),
    keyid: z.string().optional(),
    secure: z.boolean().default(true),
    skipverify: z.boolean().default(false),
    v4auth: z.literal(true, { error: 'must be true: tug signs requests by version 4 only' }).default(true),
    /** Bytes of an upload that are held in memory and stored at once. */
    chunksize: z.coerce
      .number()
      .int()
      .min(smallestPart)
      .default(10 * mebibyte),
    multipartcopychunksize: z.coerce
      .number()
      .int()
      .min(smallestPart)
      .default(32 * mebibyte),
    multipartcopymaxconcurrency: z.coerce.number().int().positive().default(16),
    multipartcopythresholdsize: z.coerce
      .number()
      .int()
      .positive()
      .default(32 * mebibyte),
    rootdirectory: z.string().default(''),
    storageclass: z.string().optional(),
  })
  .superRefine((section, context) => {
    const fault = (message: string): void => context.addIssue({ code: 'custom', message });
    if ((section.accesskey === undefined) !== (section.secretkey === undefined)) {
      fault('accesskey and secretkey are given together, or neither is');
    }
    if (section.region === undefined && section.regionendpoint === undefined) fault('needs region or regionendpoint');
    if (section.keyid !== undefined && !section.encrypt) fault('keyid is given, and encrypt is not true');
  });

export type S3Section = z.output<typeof s3Section>;
