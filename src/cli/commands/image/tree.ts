import type { ImageNode } from '../../../api/types/image.ts';
import { shortId } from '../../../base/ids.ts';
import { humanSize } from '../../../formats/bytes.ts';
import { renderTable } from '../../output/table.ts';

/** `tug images --tree`: every image below the one that it builds on, with what it adds and what it shares. */
export function renderTree(nodes: readonly ImageNode[], options: { truncate: boolean }): string {
  const ids = new Set(nodes.map(({ Id }) => Id));
  const children = Map.groupBy(nodes, ({ Parent }) => (ids.has(Parent) ? Parent : ''));
  const rows = [['IMAGE', 'IMAGE ID', 'SIZE', 'OWN', 'SHARED', 'CONTAINERS']];
  const add = (node: ImageNode, first: string, further: string): void => {
    const [name = '<none>', ...more] = node.RepoTags;
    const id = options.truncate ? shortId(node.Id) : node.Id;
    const sizes = [node.Size, node.OwnSize, node.SharedSize].map((bytes) => humanSize(bytes, 3));
    rows.push([`${first}${name}`, id, ...sizes, node.Containers.join(',')]);
    const below = children.get(node.Id) ?? [];
    for (const other of more) rows.push([`${further}${below.length > 0 ? '│' : ' '} ${other}`, '', '', '', '', '']);
    for (const [at, child] of below.entries()) {
      const last = at === below.length - 1;
      add(child, `${further}${last ? '└─ ' : '├─ '}`, `${further}${last ? '   ' : '│  '}`);
    }
  };
  for (const root of children.get('') ?? []) add(root, '', '');
  return renderTable(rows);
}
