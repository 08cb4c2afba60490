import { isLinked } from './attach.ts';
import type { NetworkContext } from './context.ts';
import type { LinkChange, LinkTarget } from './contract.ts';

/**
 * Plans what a container with a sandbox may reach by its links from now on. Killed between `record` and `apply`,
 * `reconcile` writes the rules that the records ask for.
 */
export function planLinks(context: NetworkContext, containerId: string, links: readonly LinkTarget[]): LinkChange {
  const { store, host } = context;
  const ruled = isLinked(context, containerId);
  return {
    record: () => store.saveLinks(containerId, links),
    async apply() {
      if (ruled || isLinked(context, containerId)) await host.restore();
    },
  };
}
