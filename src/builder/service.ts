import * as fs from 'node:fs';
import * as path from 'node:path';
import { removeTree } from '../host/remove-tree.ts';
import { type BuildParts, build } from './build.ts';
import type { BuilderDeps } from './build-context.ts';
import { pruneCache } from './cache/prune.ts';
import { createStepCache } from './cache/steps.ts';
import { createCacheStore } from './cache/store.ts';
import { cacheUsage } from './cache/usage.ts';
import type { Builder } from './contract.ts';
import { createMadeLayers } from './copy/made-layers.ts';
import { createCacheMounts } from './run/cache-mounts.ts';
import { createKeptContexts } from './session/kept-contexts.ts';

/** Composes the builder. Synchronous; call `recover` once before anything else. */
export function createBuilder(deps: BuilderDeps): Builder {
  const root = path.join(deps.dataRoot, 'builder');
  const cache = createCacheStore(deps);
  const steps = createStepCache({ ...deps, store: cache, layers: deps.images.builds });
  const mountFolder = path.join(root, 'mounts');
  const contexts = createKeptContexts(() => {
    fs.mkdirSync(root, { recursive: true, mode: 0o700 });
    return root;
  });
  const mounts = createCacheMounts(mountFolder, cache);
  const parts: BuildParts = { ...deps, cache, steps, contexts, mounts, made: createMadeLayers() };
  return {
    build: (request, listener, signal) => build(parts, request, listener, signal),
    usage: () => cacheUsage(parts),
    prune: (options) => pruneCache(parts, options),
    async recover() {
      await removeTree(path.join(root, 'work'));
      // killed between making one and taking its name away
      for (const name of fs.existsSync(root) ? fs.readdirSync(root) : [])
        if (name.startsWith('context-')) fs.rmSync(path.join(root, name), { force: true });
      await removeTree(path.join(deps.execRoot, 'builder'));
      const known = new Set(cache.all().map(({ id }) => id));
      const names = fs.existsSync(mountFolder) ? fs.readdirSync(mountFolder) : [];
      for (const name of names) if (!known.has(name)) await removeTree(path.join(mountFolder, name));
    },
  };
}
