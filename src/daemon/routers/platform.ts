import { z } from 'zod';
import type { Platform } from '../../api/oci/image.ts';
import { invalid } from '../../base/errors.ts';

const shape = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });

/** `platform` as newer routes take it: JSON. @throws invalid for anything else. */
export function readPlatform(text: string | undefined): Platform | undefined {
  if (text === undefined) return undefined;
  try {
    const { os, architecture, variant } = shape.parse(JSON.parse(text));
    return variant ? { os, architecture, variant } : { os, architecture };
  } catch (cause) {
    throw invalid('invalid platform: it must be a JSON object with os and architecture', { cause });
  }
}

/** The same where the parameter may be given several times; empty ones do not count. */
export function readPlatforms(texts: readonly string[]): Platform[] {
  return texts.flatMap((text) => readPlatform(text || undefined) ?? []);
}
