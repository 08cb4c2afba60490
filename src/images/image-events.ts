import type { EventBus } from '../events/contract.ts';
import type { ImageState } from './store.ts';

export type ImageAction = 'tag' | 'untag' | 'delete' | 'import' | 'load' | 'pull' | 'push' | 'save';

/** Publishes what happens to images, with the attributes that Docker gives: the labels, and `name`. */
export interface ImageEvents {
  publish(action: ImageAction, id: string, name: string, labels?: Readonly<Record<string, string>>): void;
}

export function createImageEvents(deps: { bus: EventBus; state: ImageState }): ImageEvents {
  return {
    publish(action, id, name, labels) {
      const known = labels ?? deps.state.get(id)?.config.config?.Labels ?? {};
      deps.bus.publish('image', action, id, { ...known, name });
    },
  };
}
