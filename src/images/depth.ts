import { invalid } from '../base/errors.ts';

/** The kernel stacks more (OVL_MAX_STACK is 500), but Docker does not: an image of more would not travel. */
export const mostLayers = 127;

/** @throws invalid, in Docker's words, for an image of more layers than `mostLayers`. */
export function checkDepth(layers: number): void {
  if (layers <= mostLayers) return;
  throw invalid(`max depth exceeded: the image has ${layers} layers, ${mostLayers} are the most`, {
    code: 'too-many-layers',
  });
}
