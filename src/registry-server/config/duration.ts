import * as z from 'zod';
import { parseDuration } from '../../formats/duration.ts';

/** A length of time in Go's way (`168h`, `1m30s`), as milliseconds. */
export const duration = z.string().transform((text, context) => {
  try {
    return Number(parseDuration(text)) / 1e6;
  } catch {
    context.addIssue({ code: 'custom', message: `"${text}" is no length of time such as 30s, 10m or 168h` });
    return z.NEVER;
  }
});
