import { invalid } from '../base/errors.ts';
import { type IdMaps, type IdRange, subordinateRanges } from './id-maps.ts';

/** The files of the host that `userns-remap` is looked up in, as text. */
export interface IdFiles {
  readonly passwd: string;
  readonly group: string;
  readonly subuid: string;
  readonly subgid: string;
}

/** The user that `default` stands for, as in Docker. */
export const defaultRemapUser = 'dockremap';

/**
 * The ids that `userns-remap` gives to containers: `default`, `user`, `user:group`, `uid` or `uid:gid`, with the ranges
 * of /etc/subuid and /etc/subgid, as in Docker; and `FIRST-LAST`, tug's own, for the ids themselves, of users and groups.
 * @throws invalid for users that are not there or have no ranges, and for ids that are none.
 */
export function resolveRemap(spec: string, files: IdFiles): IdMaps {
  const plain = /^(\d+)-(\d+)$/.exec(spec);
  if (plain) return plainRange(spec, Number(plain[1]), Number(plain[2]));
  const [user = '', group, ...more] = spec.split(':');
  if (more.length > 0 || user === '' || group === '') throw invalid(`invalid userns remap: ${JSON.stringify(spec)}`);
  const asked = user === 'default' ? defaultRemapUser : user;
  const account = find(files.passwd, asked, 'user', '/etc/passwd');
  const other = group === undefined ? account : find(files.group, group, 'group', '/etc/group');
  return {
    uids: ranges(files.subuid, account, '/etc/subuid'),
    gids: ranges(files.subgid, other, '/etc/subgid'),
  };
}

function plainRange(spec: string, first: number, last: number): IdMaps {
  if (first < 1 || last < first || last >= 0xffff_ffff)
    throw invalid(`invalid userns remap: ${spec}: a range of ids is FIRST-LAST, without the host's root`);
  const all = [{ inside: 0, outside: first, count: last - first + 1 }];
  return { uids: all, gids: all };
}

interface Account {
  readonly name: string;
  readonly id: string;
}

/** By name or number: column 0 and 2 of passwd(5) and group(5). */
function find(text: string, asked: string, what: string, file: string): Account {
  for (const line of text.split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if (name !== '' && (name === asked || (/^\d+$/.test(asked) && id === asked))) return { name, id };
  }
  throw invalid(`userns-remap: there is no ${what} ${JSON.stringify(asked)} in ${file}`);
}

function ranges(text: string, { name, id }: Account, file: string): IdRange[] {
  const found = subordinateRanges(text, [name, id]);
  if (found.length === 0) throw invalid(`userns-remap: no subordinate ids of ${JSON.stringify(name)} in ${file}`);
  return found;
}
