import type { HostConfig } from '../api/types/container.ts';
import { invalid } from '../base/errors.ts';
import { healthPlan } from './health-plan.ts';
import type { Health } from './health-state.ts';
import { type ContainerRecord, isRunning, LOST_SENTENCE } from './record.ts';
import { isRestartedUnhealthy } from './restart-policy.ts';
import type { ContainerStore } from './store.ts';

export type Dependency = NonNullable<HostConfig['DependsOn']>[number];

/**
 * What a request depends on, by ids, so that a rename changes nothing. There can be no cycle: what a container depends
 * on was there before it. @throws not-found, invalid for waiting for the health of a container that has no health check.
 */
export function resolveDependencies(store: ContainerStore, asked: readonly Dependency[]): Dependency[] {
  return asked.map(({ Container, Condition = 'started' }) => {
    const record = store.resolve(Container);
    if (Condition === 'healthy' && !healthPlan(record.config))
      throw invalid(`cannot depend on the health of container "${record.name}": it has no health check`);
    return { Container: record.id, Condition };
  });
}

/** `met`, `waiting` while it may still be, or why it will not be: a sentence's end, after the container's name. */
export type Verdict = 'met' | 'waiting' | { readonly failed: string };

/**
 * Whether a dependency is met. `record` is undefined for a container that was removed, which nobody waits for;
 * `pending` says that it is to come up with the engine and has not been started yet.
 */
export function judge(
  record: ContainerRecord | undefined,
  health: Health | undefined,
  condition: Dependency['Condition'],
  pending: boolean,
): Verdict {
  if (!record) return 'met';
  if (pending || record.state.status === 'restarting') return 'waiting';
  const { error } = record.state;
  if (!isRunning(record)) return { failed: error && error !== LOST_SENTENCE ? `failed: ${error}` : 'does not run' };
  if (condition !== 'healthy' || health?.status === 'healthy') return 'met';
  return health?.status === 'unhealthy' && !isRestartedUnhealthy(record) ? { failed: 'is unhealthy' } : 'waiting';
}
