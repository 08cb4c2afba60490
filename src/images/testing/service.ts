import { Readable } from 'node:stream';
import { silentLogger } from '../../base/log.ts';
import type { EventBus } from '../../events/contract.ts';
import type { ImageService, ImportRequest } from '../contract.ts';
import { createImageService } from '../service.ts';
import type { SnapshotDriver } from '../snapshots/contract.ts';
import { openTestStores, type TestStores } from './stores.ts';
import { tarOf } from './tar.ts';

export interface TestService extends TestStores {
  readonly images: ImageService;
  /** `action name` of each event so far. */
  readonly events: string[];
  /** Containers and what they do; each holds the image it was given by `hold`. */
  readonly containers: Map<string, 'running' | 'stopped'>;
  hold(container: string, image: string, state: 'running' | 'stopped'): void;
  /** Imports an image of one file. */
  importFile(reference: string | undefined, content: string, changes?: readonly string[]): Promise<string>;
}

/** An image service on stores of its own, without a registry. */
export async function openTestService(
  createDriver: (root: string) => SnapshotDriver,
  root?: string,
): Promise<TestService> {
  const stores = await openTestStores(createDriver, root);
  const events: string[] = [];
  const bus: EventBus = {
    publish: (_type, action, _id, attributes) => void events.push(`${action} ${attributes?.['name']}`),
    async *past() {},
    subscribe: () => ({ [Symbol.dispose]: () => {} }),
  };
  const containers = new Map<string, 'running' | 'stopped'>();
  const images = createImageService({
    ...stores,
    events: bus,
    log: silentLogger,
    containerState: (id) => containers.get(id),
    pull: () => Promise.reject(new Error('no registry here')),
    pullAll: () => Promise.reject(new Error('no registry here')),
    push: () => Promise.reject(new Error('no registry here')),
  });
  return {
    ...stores,
    images,
    events,
    containers,
    hold(container, image, state) {
      containers.set(container, state);
      stores.leases.acquire('object', `container:${container}`, 'image', images.resolve(image).id);
    },
    async importFile(reference, content, changes = []) {
      const request: ImportRequest = { reference, message: '', changes, platform: undefined };
      const archive = Readable.from([tarOf({ name: 'file', content })]);
      return (await images.import(archive, request, new AbortController().signal)).id;
    },
  };
}
