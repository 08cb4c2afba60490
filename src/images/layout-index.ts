import type { Descriptor } from '../api/oci/image.ts';
import type { LocalContentStore } from './content/store.ts';
import type { ImageState } from './store.ts';

/** Keeps the content store's `index.json` in step with the images, for other tools to read. */
export interface LayoutIndex {
  /** Resolves when the file shows at least what is recorded now. Calls that come while it is written share the next write. */
  refresh(): Promise<void>;
}

export function createLayoutIndex(deps: { content: LocalContentStore; state: ImageState }): LayoutIndex {
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    try {
      await deps.content.writeIndex(describe(deps.state));
    } finally {
      writing = undefined;
    }
  };
  const start = (): Promise<void> => {
    next = undefined;
    writing = write();
    return writing;
  };
  return {
    refresh() {
      if (!writing) return start();
      next ??= writing.then(start, start);
      return next;
    },
  };
}

/** One entry per tag; an image without a tag has one without a name. */
function describe(state: ImageState): Descriptor[] {
  return state.ids().flatMap((id) => {
    const manifest = state.get(id)?.manifest;
    if (!manifest) return [];
    const tags = state.names(id).filter(({ kind }) => kind === 'tag');
    if (tags.length === 0) return [manifest];
    return tags.map(({ name }) => ({ ...manifest, annotations: { 'org.opencontainers.image.ref.name': name } }));
  });
}
