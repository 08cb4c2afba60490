import type { ByteString } from '../../images/unpack/names.ts';
import type { Scope } from '../build-context.ts';
import { resolvePath, type SourceTree } from '../sources/tree.ts';
import { namedPaths } from './glob.ts';

type Excludes = ((path: ByteString) => boolean) | undefined;

/** Has what sources of a COPY stand for brought, and nothing else, where it is not here. `excludes` as in `CopyOptions`. */
export async function bringSources(
  { build, step }: Scope,
  tree: SourceTree,
  sources: readonly ByteString[],
  excludes: Excludes,
): Promise<void> {
  if (!tree.bring) return;
  const named: ByteString[] = [];
  for (const source of sources) {
    const steps = namedPaths(tree, source);
    let next = steps.next();
    while (!next.done) {
      await bringPaths(tree, next.value, { deep: false });
      next = steps.next();
    }
    named.push(...next.value);
  }
  const sent = await bringPaths(tree, named, { deep: true, excludes });
  if (sent > 0) build.listener.progress(step, 'transferring context', sent, undefined);
}

/** The same for one path without patterns. */
export async function bringPath({ build, step }: Scope, tree: SourceTree, path: ByteString): Promise<void> {
  if (!tree.bring) return;
  const sent = await bringPaths(tree, [path], { deep: true });
  if (sent > 0) build.listener.progress(step, 'transferring context', sent, undefined);
}

/** Where a link is found on the way, what is behind it too. */
async function bringPaths(
  tree: SourceTree,
  paths: readonly ByteString[],
  { deep, excludes }: { readonly deep: boolean; readonly excludes?: Excludes },
): Promise<number> {
  const asked = new Set<ByteString>();
  for (let sent = 0; ; ) {
    const lacking = new Set(paths.map((path) => resolvePath(tree, path)).filter((path) => !asked.has(path)));
    if (lacking.size === 0 || !tree.bring) return sent;
    for (const path of lacking) asked.add(path);
    const needs = [...lacking].map((path) => ({ path, deep }));
    sent += await tree.bring(needs, excludes && ((path) => isLeftOut(path, lacking, excludes)));
  }
}

/** Of a path below several sources each has to leave it out. */
function isLeftOut(path: ByteString, sources: ReadonlySet<ByteString>, excludes: NonNullable<Excludes>): boolean {
  for (let end = path.lastIndexOf('/'); ; end = path.lastIndexOf('/', end - 1)) {
    const folder = end < 0 ? '' : path.slice(0, end);
    if (sources.has(folder) && !excludes(path.slice(end + 1))) return false;
    if (end <= 0) return !sources.has(path);
  }
}
