import * as z from 'zod';
import { debugSection } from './debug.ts';
import { duration } from './duration.ts';
import { tlsSection } from './tls.ts';

const http2 = z.strictObject({
  disabled: z.literal(true, { error: 'is true or absent: tug registry speaks HTTP/1.1 alone' }),
});

/** `http`: where and how the registry listens. */
export const httpSection = z
  .strictObject({
    addr: z.string().min(1).default('127.0.0.1:5000'),
    net: z.enum(['tcp', 'unix']).default('tcp'),
    /** The address that clients use, where it is not the one they name in their requests: `https://hub.example`. */
    host: z.url({ protocol: /^https?$/ }).optional(),
    /** A path before `/v2/`, such as `/registry/`. */
    prefix: z
      .string()
      .regex(/^\/(.*\/)?$/, 'begins and ends with a slash')
      .default('/'),
    /** Taken so that set-ups move over; nothing is signed, since the state of uploads lies in the storage. The log says so. */
    secret: z.string().optional(),
    /** `Location` headers without scheme and host. */
    relativeurls: z.boolean().default(false),
    /** How long requests may go on after the end was asked for. */
    draintimeout: duration.prefault('10s'),
    /** How long a connection is kept without a request; by default a little longer than Go's clients keep theirs. */
    idletimeout: duration.refine((time) => time > 0, 'is more than 0').prefault('100s'),
    /** On every answer. */
    headers: z
      .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is no header name'), z.array(z.string()))
      .default({}),
    tls: tlsSection.optional(),
    debug: debugSection.optional(),
    http2: http2.optional(),
  })
  .prefault({});
