import { invalid, isKind, notFound } from '../base/errors.ts';
import {
  formatFamiliar,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
  withDigest,
} from '../formats/reference.ts';
import type { Image } from './contract.ts';
import type { ImageState } from './store.ts';

/**
 * Finds an image the way Docker does: a whole id, then a name (a digest counts before a tag), then an
 * unambiguous beginning of an id.
 * @throws not-found `No such image: NAME:TAG`, invalid for what is neither a name nor an id.
 */
export function resolveImage(state: ImageState, text: string): Image {
  const found = findImage(state, text);
  if (found) return found;
  throw notFound(`No such image: ${describe(text)}`, { code: 'no-such-image' });
}

/** As `resolveImage`, undefined when there is none. */
export function findImage(state: ImageState, text: string): Image | undefined {
  const hex = text.replace(/^sha256:/, '');
  if (/^[0-9a-f]{64}$/.test(hex)) return state.get(`sha256:${hex}`);
  const isPrefix = /^[0-9a-f]+$/.test(hex);
  const reference = parse(text, isPrefix);
  const named = reference && state.byName(formatReference(lookupName(reference)));
  if (named !== undefined) return state.get(named);
  if (!isPrefix) return undefined;
  const [id, another] = state.byPrefix(hex);
  return id === undefined || another !== undefined ? undefined : state.get(id);
}

/** True when the text that an image was found by names it by id and not by a name. */
export function isIdOf(id: string, text: string): boolean {
  return id.slice('sha256:'.length).startsWith(text.replace(/^sha256:/, ''));
}

function lookupName(reference: Reference): Reference {
  return reference.digest === undefined ? withDefaultTag(reference) : withDigest(reference, reference.digest);
}

function parse(text: string, isPrefix: boolean): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (isPrefix && isKind(error, 'invalid')) return undefined;
    if (text === '') throw invalid('invalid reference format', { code: 'invalid-reference' });
    throw error;
  }
}

function describe(text: string): string {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(text)) return text;
  return formatFamiliar(withDefaultTag(parseReference(text)));
}
