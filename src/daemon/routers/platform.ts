import { z } from 'zod';
import type { Platform } from '../../api/oci/image.ts';
import { invalid } from '../../base/errors.ts';

const shape = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });

/** `platform` as newer routes take it: JSON. @throws invalid for anything else. */
export function readPlatform(text: string | undefined): Platform | undefined {
  if (text === undefined) return undefined;
  try {
    const { variant, ...rest } = shape.parse(JSON.parse(text));
    return variant ? { ...rest, variant } : rest;
  } catch (cause) {
    throw invalid('invalid platform: it must be a JSON object with os and architecture', { cause });
  }
}
