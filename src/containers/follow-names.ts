import { crashPoint } from '../base/crash-points.ts';
import type { Intent } from '../base/journal.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import { changeResolvConf } from './files.ts';
import type { ContainerRecord } from './record.ts';

/** The journal's kind of a running container whose /etc/resolv.conf is about to change. */
export const resolverIntent = 'container.resolver';

export interface ResolverPayload {
  /** What the engine wrote last. */
  readonly before: string;
}

/**
 * Lets /etc/resolv.conf follow a change of a running container's networks: it gets its name server with the first that
 * has names, and loses it with the last. `record`, in the transaction that records the change, notes what is to be
 * written; `apply` writes it, and `cancel`, in the transaction that takes the change back, forgets it. Killed before
 * it is written, the next engine writes it.
 */
export function planResolver(context: ContainerContext, record: ContainerRecord) {
  const { networks, journal } = context;
  const text = (): string => networks.sandboxOf(record.id)?.resolvConf ?? '';
  const before = text();
  let intent: Intent | undefined;
  return {
    record() {
      if (text() !== before) intent = journal.begin<ResolverPayload>(resolverIntent, record.id, { before });
    },
    apply() {
      if (!intent) return;
      settleResolver(context, record, { before });
      crashPoint('container.resolver.written');
      journal.done(intent);
    },
    cancel() {
      if (intent) journal.done(intent);
    },
  };
}

/** Writes what is recorded, unless somebody edited what was there before. Idempotent. Nothing for one that has ended meanwhile. */
export function settleResolver(context: ContainerContext, record: ContainerRecord, { before }: ResolverPayload): void {
  const sandbox = context.networks.sandboxOf(record.id);
  if (sandbox) changeResolvConf(pathsOf(context, record).resolvConf, before, sandbox.resolvConf);
}
