import * as fs from 'node:fs';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { invalid, notFound } from '../../base/errors.ts';
import type { ContainerMount } from '../../containers/mount-requests.ts';
import { removeTree } from '../../host/remove-tree.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import type { Scope } from '../build-context.ts';
import { bringPath } from '../copy/bring.ts';
import { digestOf, layerTar } from '../copy/layer-tar.ts';
import { type CopyItem, planCopy } from '../copy/plan.ts';
import { originOf } from '../instructions/copy.ts';
import { createLayerTree } from '../sources/layer-tree.ts';
import { bytes, resolvePath, type SourceNode, type SourceTree } from '../sources/tree.ts';

let numbers = 0;

/** A file or folder of the build context for a command: written out when the command is run, and gone after it. */
export async function contextMount(
  scope: Scope,
  { tree, source, target, readOnly }: { tree: SourceTree; source: string; target: string; readOnly: boolean },
): Promise<{ key: unknown; open: (own: AsyncDisposableStack) => Promise<{ mount: ContainerMount }> }> {
  const { folder, signal } = scope.build;
  const found = await find(scope, tree, source);
  const items = itemsOf(tree, found.real, found.node.kind === 'directory' ? '/mounted/' : '/mounted');
  return {
    key: ['context', await digestOf(items, signal), target, ...(readOnly ? [] : ['rw'])],
    async open(own) {
      numbers += 1;
      const place = path.join(folder, `mounted-${numbers}`);
      fs.mkdirSync(place, { mode: 0o755 });
      own.defer(() => removeTree(place));
      await writeOut(scope, place, layerTar(items, undefined));
      const mounted = path.join(place, 'mounted');
      if (!fs.existsSync(mounted)) fs.mkdirSync(mounted);
      return {
        mount: { type: 'bind', source: mounted, target, mode: '', readOnly, propagation: 'rprivate', own: true },
      };
    },
  };
}

/** What a cache begins with. */
export interface CacheBase {
  /** The same for the same files. */
  readonly key: unknown;
  /** The folder that its own is to be like. */
  readonly node: SourceNode;
  /** A tar of what is in it. */
  content(): AsyncIterable<Buffer>;
}

/** A folder of a stage, a context or an image. @throws not-found, invalid for a file. */
export async function cacheBase(from: string, source: string, scope: Scope): Promise<CacheBase> {
  const { layers, tree } = await originOf(from, scope);
  const { real, node } = await find(scope, tree, source);
  if (node.kind !== 'directory') throw invalid(`--mount=type=cache,from=${from}: "${source}" is no folder`);
  const items = (): CopyItem[] => itemsOf(tree, real, '/');
  const key = layers ? ['layers', layers.at(-1), real] : ['files', await digestOf(items(), scope.build.signal)];
  return { key, node, content: () => layerTar(items(), undefined) };
}

async function find(scope: Scope, tree: SourceTree, source: string): Promise<{ real: ByteString; node: SourceNode }> {
  await bringPath(scope, tree, bytes(source));
  const real = resolvePath(tree, bytes(source));
  const node = tree.look(real);
  if (!node) throw notFound(`failed to compute cache key: "${source}": not found`, { code: 'no-source' });
  return { real, node };
}

function itemsOf(tree: SourceTree, real: ByteString, destination: string): CopyItem[] {
  const options = { owner: undefined, mode: undefined, parents: false, excludes: undefined, link: true };
  const about = { instruction: 'RUN', destination, ...options };
  return planCopy(createLayerTree([]), [{ kind: 'tree', tree, path: real }], about);
}

/** Unpacks a tar into a folder. */
export async function writeOut(
  { build }: Scope,
  folder: string,
  archive: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  const root = fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    await build.archiver.receive(root, Readable.from(archive, { objectMode: false }), build.signal);
  } finally {
    fs.closeSync(root);
  }
}
