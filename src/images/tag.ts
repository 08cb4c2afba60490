import { crashPoint } from '../base/crash-points.ts';
import { invalid } from '../base/errors.ts';
import { formatFamiliar, formatReference, parseReference, withDefaultTag } from '../formats/reference.ts';
import type { ImageEvents } from './image-events.ts';
import { resolveImage } from './resolve.ts';
import type { ImageState } from './store.ts';

/**
 * Names an image. A name that another image has moves to this one. Idempotent.
 * @throws invalid for a target that is no name or has a digest, not-found for the source.
 */
export function tagImage(deps: { state: ImageState; events: ImageEvents }, source: string, target: string): void {
  const name = parseTag(target);
  const image = resolveImage(deps.state, source);
  deps.state.setTag(name.normalised, image.id);
  crashPoint('image.tag.recorded');
  deps.events.publish('tag', image.id, name.familiar);
}

/** Reads `name[:tag]` as something an image may be called. @throws invalid. */
export function parseTag(text: string): { normalised: string; familiar: string } {
  const reference = parseReference(text);
  if (reference.digest !== undefined) {
    throw invalid('refusing to create a tag with a digest reference', { code: 'invalid-reference' });
  }
  if (text.startsWith('sha256:')) {
    throw invalid('refusing to create an ambiguous tag using digest algorithm as name', { code: 'invalid-reference' });
  }
  const tagged = withDefaultTag(reference);
  return { normalised: formatReference(tagged), familiar: formatFamiliar(tagged) };
}
