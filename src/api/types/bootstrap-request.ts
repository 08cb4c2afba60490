import { z } from 'zod';

const text = z.string().refine((given) => !given.includes('\0'), 'a text must not contain a NUL byte');

/** The body of `POST /images/bootstrap`, which is tug's own. */
export const bootstrapRequest = z.strictObject({
  /** What to make, `debian:bookworm`: the distribution and its release. With a template, any name. */
  Name: text.min(1, 'Name must say what to make, such as debian:bookworm'),
  /** As the distribution's tool calls it; debootstrap's `minbase` has the least. */
  Variant: text.regex(/^[a-zA-Z][\w-]*$/, 'a variant is one word').optional(),
  /** Packages beyond those of the variant. */
  Include: z.array(text.regex(/^[a-zA-Z0-9][\w.+:-]*$/, 'not the name of a package')).default([]),
  /** A script's text, run by the engine as root with the folder to fill as its argument. */
  Template: text.min(1, 'the template is empty').optional(),
  /** What to call the image in place of `Name`. */
  Tag: text.min(1).optional(),
  /** Where the packages come from in place of what the host's own tool is configured with. */
  Mirror: text.regex(/^(https?|file):\/\/\S+$/, 'a mirror is a URL: http, https or file').optional(),
});
export type BootstrapRequest = z.output<typeof bootstrapRequest>;
/** As clients send it. */
export type BootstrapBody = z.input<typeof bootstrapRequest>;
