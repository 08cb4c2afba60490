import { createHash } from 'node:crypto';
import { invalid } from '../../base/errors.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import type { SourceNode, SourceTree } from './tree.ts';

/** Files whose contents are at hand, in one folder. `mtime` in Unix nanoseconds, -1 for when they are put somewhere. */
export function createTextTree(
  files: ReadonlyMap<ByteString, Buffer>,
  { mode, mtime = -1n }: { mode: number; mtime?: bigint },
): SourceTree {
  const common = { mode, uid: 0, gid: 0, mtime, xattrs: new Map<string, Buffer>() };
  const of = (path: ByteString): Buffer => {
    const content = files.get(path);
    if (!content) throw invalid(`no such file: ${path}`);
    return content;
  };
  return {
    look(path): SourceNode | undefined {
      if (path === '') return { ...common, kind: 'directory', mode: 0o755, size: 0 };
      const content = files.get(path);
      return content && { ...common, kind: 'file', size: content.length };
    },
    list: (path) => (path === '' ? [...files.keys()].sort() : []),
    digest: async (path) => createHash('sha256').update(of(path)).digest('hex'),
    async *read(path) {
      yield of(path);
    },
  };
}
