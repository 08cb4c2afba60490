import type { Logger } from '../../base/log.ts';
import type { RegistryConfig } from '../config/schema.ts';
import type { StorageDriver } from '../contract.ts';
import { retain } from '../retention/retain.ts';
import { type Collected, collect } from './collect.ts';
import { asOnlyCollector } from './lease.ts';

export type CareConfig = Pick<RegistryConfig, 'gc' | 'retention'>;

export interface CareOptions {
  readonly dryRun?: boolean;
  /** Told of each tag, manifest and blob that is removed, or would be. */
  readonly say: (what: string, why: string) => void;
  readonly ended?: () => boolean;
}

export interface Cared extends Collected {
  readonly tags: number;
  readonly manifests: number;
}

/**
 * One round of care: what the rules of retention do not keep, then the blobs that nothing needs. Removes nothing by a
 * dry run, which therefore does not count the blobs that become unneeded by the removal of manifests.
 */
export async function careOnce(storage: StorageDriver, config: CareConfig, options: CareOptions): Promise<Cared> {
  const { dryRun = false, say, ended = () => false } = options;
  const retained = await retain(storage, { rules: config.retention.rules, dryRun, removed: say, ended });
  const collected = await collect(storage, {
    grace: config.gc.grace,
    dryRun,
    ended,
    removed: (digest, bytes) => say(digest, `not needed, ${bytes} bytes`),
  });
  return { ...retained, ...collected };
}

/** Cares for the registry every `gc.interval`, in one process of all that share the storage. Disposing waits for its end. */
export function keepCaring(storage: StorageDriver, config: CareConfig, log: Logger): AsyncDisposable {
  let round = Promise.resolve();
  let over = false;
  const care = async (): Promise<void> => {
    if (over) return;
    try {
      await asOnlyCollector(storage, async () => {
        const say = (what: string, why: string): void => log.info('collected', { what, why });
        const { damaged, ...counts } = await careOnce(storage, config, { say, ended: () => over });
        log.info('collection ended', { ...counts });
        if (damaged.length > 0) log.error('manifests cannot be read', { manifests: damaged.slice(0, 20).join(' ') });
      });
    } catch (error) {
      log.error('the registry could not be collected', { error });
    }
  };
  const begin = (): void => {
    round = round.then(care);
  };
  const timer = config.gc.interval === undefined ? undefined : setInterval(begin, config.gc.interval);
  timer?.unref();
  return {
    async [Symbol.asyncDispose]() {
      over = true;
      clearInterval(timer);
      await round;
    },
  };
}
