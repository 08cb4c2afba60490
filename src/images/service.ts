import type { Database } from '../base/database.ts';
import { messageOf } from '../base/errors.ts';
import type { Journal } from '../base/journal.ts';
import type { Leases } from '../base/leases.ts';
import type { Logger } from '../base/log.ts';
import type { EventBus } from '../events/contract.ts';
import { parsePlatform } from '../formats/platform.ts';
import {
  familiarName,
  formatFamiliar,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from '../formats/reference.ts';
import { attestationsOf } from './attestations.ts';
import type { BuildLayers } from './builds/contract.ts';
import { createBuildLayers } from './builds/layers.ts';
import { commitImage } from './commit.ts';
import { containerChanges, exportFiles } from './container-files.ts';
import type { Image, ImageService } from './contract.ts';
import { createImageEvents, type ImageEvents } from './image-events.ts';
import { importImage } from './import.ts';
import { inspectImage } from './inspect.ts';
import { createLayoutIndex } from './layout-index.ts';
import { listImages } from './list.ts';
import { loadImages } from './load.ts';
import { resolveVariant } from './platform-variant.ts';
import { pruneImages } from './prune.ts';
import type { Pull } from './pull.ts';
import type { PullAll } from './pull-all.ts';
import type { Push } from './push.ts';
import { recoverImages } from './recover.ts';
import { removeImage } from './remove.ts';
import { findImage, resolveImage } from './resolve.ts';
import { saveImages } from './save.ts';
import { localName, searchRegistries } from './short-names.ts';
import type { ImageStores } from './stores.ts';
import { tagImage } from './tag.ts';

export interface ImageServiceDeps extends ImageStores {
  readonly database: Database;
  readonly journal: Journal;
  readonly leases: Leases;
  readonly events: EventBus;
  readonly log: Logger;
  /** What a container that holds an image does; undefined when it is gone. */
  readonly containerState: (id: string) => 'running' | 'stopped' | undefined;
  /** Brings an image from its registry and records it; resolves with its id. */
  readonly pull: Pull;
  /** The same for all tags of a repository. */
  readonly pullAll: PullAll;
  readonly push: Push;
  /** Registries that names without one are searched in, in order; none for Docker's way. */
  readonly searchRegistries?: readonly string[];
}

/** The image domain with what only the builder uses. */
export interface Images extends ImageService {
  readonly builds: BuildLayers;
}

/** Composes the image domain. Synchronous; call `recover` once before anything else. */
export function createImageService(deps: ImageServiceDeps): Images {
  const { state, log } = deps;
  const layout = createLayoutIndex(deps);
  const events = createImageEvents({ bus: deps.events, state });
  const parts = { ...deps, events, layout };
  const local = (text: string): string => localName(state, deps.searchRegistries ?? [], text);
  /** The index is for other tools: that it cannot be written is no reason to fail what was done. */
  const refresh = (): Promise<void> =>
    layout.refresh().catch((error: unknown) => log.warn('index.json was not written', { error: messageOf(error) }));

  return {
    builds: createBuildLayers({ ...parts, refresh }),
    resolve(reference, platform) {
      return resolveVariant(state, local(reference), platform === undefined ? undefined : parsePlatform(platform));
    },
    find: (reference) => findImage(state, local(reference)),
    list: (options) => listImages(state, options),
    inspect: (reference, platform) => inspectImage(deps, resolveVariant(state, local(reference), platform)),
    attestations: (reference, platform, wanted) =>
      attestationsOf(deps, resolveVariant(state, local(reference), platform), wanted),
    count: () => state.ids().length,

    ...registryMethods(deps, events, refresh),
    async load(archive, progress, signal, platforms) {
      const loaded = await loadImages(parts, archive, progress, signal, platforms);
      await refresh();
      return loaded;
    },
    async save(references, into, signal, platforms) {
      const saved = await saveImages(deps, references.map(local), into, signal, platforms);
      for (const id of saved) events.publish('save', id, id);
    },
    async import(archive, request, signal) {
      const id = await importImage(parts, archive, request, signal);
      await refresh();
      return resolveImage(state, id);
    },
    async commit(request, signal) {
      const id = await commitImage(parts, request, signal);
      await refresh();
      return resolveImage(state, id);
    },
    changes: (container) => containerChanges(deps.driver, container),
    exportFiles: (container, into, signal) => exportFiles(deps.driver, container, into, signal),
    tag(source, target) {
      tagImage(parts, local(source), target);
      void refresh();
    },
    async remove(reference, options) {
      const removed = await removeImage(parts, local(reference), options);
      await refresh();
      return removed;
    },
    async prune(options) {
      const pruned = await pruneImages({ ...parts, bus: deps.events }, options);
      if (!options.dryRun) await refresh();
      return pruned;
    },
    recover: () => recoverImages(parts),
  };
}

/** What goes to registries and comes from them. `refresh` is waited for after each. */
function registryMethods(
  { state, searchRegistries: search = [], ...deps }: ImageServiceDeps,
  events: ImageEvents,
  refresh: () => Promise<void>,
): Pick<ImageService, 'pull' | 'pullAll' | 'push'> {
  return {
    async pull(request, progress, signal) {
      const { pulled: id, reference } = await searchRegistries(search, request, progress, signal, (one, tell) =>
        deps.pull(one, tell, signal),
      );
      publishPull(events, state.get(id), reference);
      await refresh();
      return resolveImage(state, id);
    },
    async pullAll(request, progress, signal) {
      const { pulled } = await searchRegistries(search, request, progress, signal, (one, tell) =>
        deps.pullAll(one, tell, signal),
      );
      for (const { id, reference } of pulled) publishPull(events, state.get(id), reference);
      await refresh();
      return pulled.map(({ id }) => resolveImage(state, id));
    },
    async push(request, progress, signal) {
      for (const reference of await deps.push(request, progress, signal)) {
        const id = state.byName(formatReference(reference)) ?? '';
        publishTransfer(events, 'push', state.get(id), reference);
      }
      await refresh();
    },
  };
}

function publishPull(events: ImageEvents, image: Image | undefined, reference: string): void {
  publishTransfer(events, 'pull', image, withDefaultTag(parseReference(reference)));
}

/** Docker's events of pulls and pushes have the name where others have the id. */
function publishTransfer(
  events: ImageEvents,
  action: 'pull' | 'push',
  image: Image | undefined,
  reference: Reference,
): void {
  const labels = image?.config.config?.Labels ?? {};
  events.publish(action, formatFamiliar(reference), familiarName(reference), labels);
}
