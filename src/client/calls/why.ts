import type { ContainerWhy } from '../../api/types/container-why.ts';
import type { Engine } from '../engine.ts';

/** How a container came to its state. @throws not-found. */
export function why(engine: Engine, reference: string): Promise<ContainerWhy> {
  return engine.json('GET', `/containers/${encodeURIComponent(reference)}/why`);
}
