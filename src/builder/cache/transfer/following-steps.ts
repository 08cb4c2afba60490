import type { StepCache } from '../steps.ts';
import type { CacheStore } from '../store.ts';
import type { UsedCache } from './exports.ts';
import type { CacheImports } from './imports.ts';

/** The steps' cache as one build uses it: with what others did before, and a note of what was used. */
export function followSteps(
  steps: StepCache,
  { store, imports, used }: { store: CacheStore; imports: CacheImports; used: UsedCache },
): StepCache {
  return {
    isRunning: steps.isRunning,
    firstMade(key, description) {
      const created = steps.firstMade(key, description, imports.created(key));
      used.steps.set(key, { key, description, created, below: undefined, layer: undefined });
      return created;
    },
    async run(work) {
      const { key, description, layers } = work;
      if (!work.noCache && !steps.isRunning(key) && !store.find(key)) await imports.bring(work);
      const result = await steps.run(work);
      used.steps.set(key, { key, description, created: result.created, below: layers, layer: result.layer });
      return result;
    },
  };
}
