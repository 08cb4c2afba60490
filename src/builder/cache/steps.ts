import { crashPoint } from '../../base/crash-points.ts';
import { isKind } from '../../base/errors.ts';
import type { Leases } from '../../base/leases.ts';
import type { BuildLayers, BuiltLayer } from '../../images/builds/contract.ts';
import { type StepInputs, whyDone } from './inputs.ts';
import type { CacheRecord, CacheStore } from './store.ts';

/** What a step that makes a layer came to. */
export interface StepResult {
  /** Undefined when it changed no file. */
  readonly layer: string | undefined;
  /** RFC 3339: when it was done first. */
  readonly created: string;
  readonly cached: boolean;
  /** Why it was not taken from the cache. */
  readonly why?: string;
}

export interface StepWork {
  readonly key: string;
  readonly description: string;
  /** The operation that is to hold the layer. */
  readonly holder: string;
  /** Chain-ids that it stands on, bottom first. */
  readonly layers: readonly string[];
  readonly noCache: boolean;
  /** What its time is to be; the present without it. */
  readonly created: string | undefined;
  /** Its place in Dockerfiles, where it is to be said why it was done. */
  readonly slot?: string;
  /** What it works on, part by part; asked for when it has been done. */
  readonly inputs?: () => StepInputs;
  readonly make: () => Promise<BuiltLayer | undefined>;
}

/** Takes steps from the cache, or has them done, each once even when several builds ask for it at the same time. */
export interface StepCache {
  run(work: StepWork): Promise<StepResult>;
  /** The time of something that was made at some time: of the first that asked for this key, or told of `elsewhere`. */
  firstMade(key: string, description: string, elsewhere?: string): string;
  /** True while a build works on a step of this key. */
  isRunning(key: string): boolean;
}

export function createStepCache(deps: {
  readonly store: CacheStore;
  readonly layers: BuildLayers;
  readonly leases: Leases;
}): StepCache {
  const { store, layers, leases } = deps;
  const running = new Map<string, Promise<StepResult>>();

  const lookUp = ({ key, holder }: StepWork): StepResult | undefined => {
    const record = store.find(key);
    if (!record) return undefined;
    if (record.layer !== undefined) {
      leases.acquire('operation', holder, 'snapshot', record.layer);
      if (!layers.layer(record.layer)) {
        store.forget(record); // its layer was lost with the power, or taken away by hand
        return undefined;
      }
    }
    store.touch(record);
    return resultOf(record, true);
  };
  const doIt = async (work: StepWork): Promise<StepResult> => {
    const { key, description, layers: below, make } = work;
    const parent = below.at(-1);
    const layer = await make();
    const created = work.created ?? new Date().toISOString();
    const size = layer?.size ?? 0;
    const record = store.put({ key, kind: 'layer', layer: layer?.chainId, parent, size, description, created });
    crashPoint('build.cache.recorded');
    return { ...resultOf(record, false), ...explain(work) };
  };
  const explain = ({ slot, inputs, noCache }: StepWork): { why?: string } => {
    if (slot === undefined || !inputs) return {};
    const now = inputs();
    const why = noCache ? 'the cache was not to be used' : whyDone(store.inputs(slot), now);
    store.putInputs(slot, now);
    return { why };
  };
  return {
    isRunning: (key) => running.has(key),
    firstMade(key, description, elsewhere) {
      const record = store.find(key);
      if (record) {
        store.touch(record);
        return record.created;
      }
      const created = elsewhere ?? new Date().toISOString();
      store.put({ key, kind: 'image', layer: undefined, parent: undefined, size: 0, description, created });
      return created;
    },
    async run(work) {
      for (let other = running.get(work.key); other; other = running.get(work.key)) {
        const result = await other.catch((error: unknown) => {
          // another's going away is no reason for this one not to be done
          if (isKind(error, 'cancelled')) return undefined;
          throw error;
        });
        if (!result) continue;
        if (result.layer !== undefined) leases.acquire('operation', work.holder, 'snapshot', result.layer);
        return { ...result, cached: true };
      }
      const found = work.noCache ? undefined : lookUp(work);
      if (found) return found;
      const promise = doIt(work);
      running.set(work.key, promise);
      try {
        return await promise;
      } finally {
        running.delete(work.key);
      }
    },
  };
}

const resultOf = ({ layer, created }: CacheRecord, cached: boolean): StepResult => ({ layer, created, cached });
