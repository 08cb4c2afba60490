import { invalid } from '../../base/errors.ts';
import type { NeededPath } from '../../formats/context-listing.ts';
import { type ByteString, parentOf, shown } from '../../images/unpack/names.ts';
import { type Packed, piecesOf } from '../sources/packed-tree.ts';
import { baseName, type SourceNode, type SourceTree } from '../sources/tree.ts';

/** A file as a client told of it. */
export interface ClientFile {
  readonly name: ByteString;
  readonly node: SourceNode;
  /** The same for all names of one file; empty for a file with one name. */
  readonly shared: string;
  /** Where its content is; undefined where it was not asked for. */
  readonly content: Omit<Packed, 'node'> | undefined;
  /** The open file that the content is in. */
  readonly fd: number;
}

/** What a client was asked for: the files, folders before what is in them, and the bytes that came. */
export interface Answered {
  readonly files: Iterable<ClientFile>;
  readonly sent: number;
}

export type AskClient = (
  needs: readonly NeededPath[],
  leaveOut: ((path: ByteString) => boolean) | undefined,
) => Promise<Answered>;

interface Held extends Omit<ClientFile, 'name' | 'node'> {
  node: SourceNode;
}

/** A client's folder, of which only what is needed is asked for, once. What was told first counts until the build ends. */
export function createClientTree(ask: AskClient): SourceTree {
  const files = new Map<ByteString, Held>([['', { node: emptyRoot, shared: '', content: undefined, fd: -1 }]]);
  const names = new Map<ByteString, ByteString[]>();
  const covered = { deep: new Set<ByteString>(), names: new Set<ByteString>() };
  const linked = new Map<string, Held>();
  let turn: Promise<unknown> = Promise.resolve();

  const contentOf = (path: ByteString) => {
    const { content, fd } = files.get(path) ?? {};
    if (!content || fd === undefined) throw invalid(`no such file: ${shown(path)}`);
    return { content, fd };
  };
  const isCovered = ({ path, deep }: NeededPath): boolean => {
    if (!deep && covered.names.has(path)) return true;
    for (let at = path; ; at = parentOf(at)) {
      if (covered.deep.has(at)) return true;
      if (at === '') return false;
    }
  };
  const take = (given: Iterable<ClientFile>): void => {
    const grown = new Set<ByteString[]>();
    for (const { name, ...file } of given) {
      const folder = parentOf(name);
      if (files.get(folder)?.node.kind !== 'directory')
        throw invalid('the list of the build context has a file without its folder', { code: 'bad-listing' });
      const there = files.get(name);
      if (there && (there.content || there.node.kind !== 'file')) continue;
      files.set(name, file);
      if (file.content && file.shared !== '') link(linked, file);
      if (!there) grown.add(addName(names, folder, baseName(name)));
    }
    for (const list of grown) list.sort();
  };
  const bring = async (needs: readonly NeededPath[], leaveOut?: (path: ByteString) => boolean): Promise<number> => {
    const lacking = needs.filter((need) => !isCovered(need));
    if (lacking.length === 0) return 0;
    const { files: given, sent } = await ask(lacking, leaveOut);
    take(given);
    for (const { path, deep } of lacking)
      if (!deep) covered.names.add(path);
      else if (!leaveOut) covered.deep.add(path);
    return sent;
  };
  return {
    look: (path) => files.get(path)?.node,
    list: (path) => names.get(path) ?? [],
    digest: async (path) => contentOf(path).content.digest,
    own: (path) => files.get(path)?.content?.own,
    read(path) {
      const { content, fd } = contentOf(path);
      return piecesOf(fd, content);
    },
    bring(needs, leaveOut) {
      const brought = turn.then(() => bring(needs, leaveOut)); // two at once would ask twice for what both need
      turn = brought.catch(() => {}); // said to who asked
      return brought;
    },
  };
}

function addName(names: Map<ByteString, ByteString[]>, folder: ByteString, name: ByteString): ByteString[] {
  const list = names.get(folder) ?? [];
  if (list.length === 0) names.set(folder, list);
  list.push(name);
  return list;
}

/** Of a file with one name in the tree nobody needs to know that it has others. */
function link(linked: Map<string, Held>, file: Held): void {
  const first = linked.get(file.shared);
  if (!first) {
    linked.set(file.shared, file);
    return;
  }
  for (const one of [first, file]) one.node = { ...one.node, link: file.shared };
}

const emptyRoot: SourceNode = {
  ...{ kind: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: 0n, size: 0, xattrs: new Map() },
};
