import * as fs from 'node:fs';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { notFound } from '../../base/errors.ts';
import type { ContainerMount } from '../../containers/mount-requests.ts';
import { removeTree } from '../../host/remove-tree.ts';
import type { Scope } from '../build-context.ts';
import { bringPath } from '../copy/bring.ts';
import { digestOf, layerTar } from '../copy/layer-tar.ts';
import { type CopyItem, planCopy } from '../copy/plan.ts';
import { createLayerTree } from '../sources/layer-tree.ts';
import { bytes, resolvePath, type SourceTree } from '../sources/tree.ts';

let numbers = 0;

/** A file or folder of the build context for a command to read: written out when the command is run. */
export async function contextMount(
  scope: Scope,
  { tree: files, source, target }: { tree: SourceTree; source: string; target: string },
): Promise<{ key: unknown; open: (own: AsyncDisposableStack) => Promise<{ mount: ContainerMount }> }> {
  const { build } = scope;
  const { folder, signal } = build;
  await bringPath(scope, files, bytes(source));
  const real = resolvePath(files, bytes(source));
  const node = files.look(real);
  if (!node) throw notFound(`failed to compute cache key: "${source}": not found`, { code: 'no-source' });
  const below = createLayerTree([]);
  const options = { owner: undefined, mode: undefined, parents: false, excludes: undefined, link: true };
  const items: CopyItem[] = planCopy(below, [{ kind: 'tree', tree: files, path: real }], {
    ...{ instruction: 'RUN', destination: node.kind === 'directory' ? '/mounted/' : '/mounted' },
    ...options,
  });
  return {
    key: ['context', await digestOf(items, signal), target],
    async open(own) {
      numbers += 1;
      const place = path.join(folder, `mounted-${numbers}`);
      fs.mkdirSync(place, { mode: 0o755 });
      own.defer(() => removeTree(place));
      const archive = Readable.from(layerTar(items, undefined), { objectMode: false });
      const root = fs.openSync(place, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
      try {
        await build.archiver.receive(root, archive, signal);
      } finally {
        fs.closeSync(root);
      }
      const mounted = path.join(place, 'mounted');
      if (!fs.existsSync(mounted)) fs.mkdirSync(mounted);
      return { mount: { type: 'bind', source: mounted, target, mode: '', readOnly: true, propagation: 'rprivate' } };
    },
  };
}
