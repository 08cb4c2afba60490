import type { DataUsage } from '../../api/types/system.ts';
import { invalid } from '../../base/errors.ts';
import type { Handlers } from '../http/router.ts';
import { isBelow } from '../http/versions.ts';
import type { UsageKind } from '../usage.ts';

const kinds: readonly UsageKind[] = ['image', 'container', 'volume', 'build-cache'];

/**
 * What `system df` and `system prune` ask for. Before 1.52 of `GET /system/df` every object is always told, so older
 * versions get all of it.
 */
export function usageRoutes(
  usage: (options: { kinds: ReadonlySet<UsageKind>; verbose: boolean }) => Promise<DataUsage>,
): Handlers {
  return {
    async SystemDataUsage({ query, version }) {
      const asked = query.all('type');
      const unknown = asked.find((kind) => !(kinds as readonly string[]).includes(kind));
      if (unknown !== undefined) throw invalid(`unknown object type: ${unknown.slice(0, 64)}`);
      const wanted = new Set(kinds.filter((kind) => asked.length === 0 || asked.includes(kind)));
      const verbose = isBelow(version, '1.52') || query.boolean('verbose');
      return { status: 200, body: await usage({ kinds: wanted, verbose }) };
    },
  };
}
