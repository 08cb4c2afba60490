import { invalid } from '../base/errors.ts';

/** Whom a process runs as. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group first, then the groups the user is a member of, then the added ones; each once. */
  readonly additionalGids: number[];
  readonly home: string;
}

/** The texts of `/etc/passwd` and `/etc/group` in the container; undefined or empty where it has none. */
export interface UserDatabase {
  readonly passwd: string | undefined;
  readonly group: string | undefined;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const highestId = 2 ** 31 - 1;

/**
 * Resolves `user[:group]` (names or numbers; empty for root) and the names or numbers of `--group-add`. A number
 * need not be in the files. Without a group, the user's own and those it is a member of count.
 * @throws invalid in Docker's words: `unable to find user x: no matching entries in passwd file`.
 */
export function resolveUser(spec: string, database: UserDatabase, groupAdd: readonly string[] = []): ResolvedUser {
  const [userText = '', groupText = ''] = spec.split(':');
  const groups = parseGroup(database.group ?? '');
  const user = findUser(userText, parsePasswd(database.passwd ?? ''));
  const gid = groupText === '' ? user.gid : findGroup(groupText, groups);
  const memberships =
    groupText === '' && user.name !== undefined ? groups.filter((group) => group.members.includes(user.name!)) : [];
  const added = groupAdd.map((name) => findGroup(name, groups));
  return {
    uid: user.uid,
    gid,
    additionalGids: [...new Set([gid, ...memberships.map((group) => group.gid), ...added])],
    home: user.home,
  };
}

function findUser(
  text: string,
  users: readonly PasswdEntry[],
): { name?: string; uid: number; gid: number; home: string } {
  const number = text === '' ? 0 : parseId(text);
  const found = users.find((user) => (number === undefined ? user.name === text : user.uid === number));
  if (found !== undefined) return found;
  if (number === undefined) throw unknown(`unable to find user ${text}: no matching entries in passwd file`);
  return { uid: checkedId(number), gid: 0, home: '/' };
}

function findGroup(text: string, groups: readonly GroupEntry[]): number {
  const number = parseId(text);
  const found = groups.find((group) => (number === undefined ? group.name === text : group.gid === number));
  if (found !== undefined) return found.gid;
  if (number === undefined) throw unknown(`unable to find group ${text}: no matching entries in group file`);
  return checkedId(number);
}

function parseId(text: string): number | undefined {
  return /^[-+]?[0-9]+$/.test(text) ? Number(text) : undefined;
}

function checkedId(id: number): number {
  if (id < 0 || id > highestId) throw unknown(`uids and gids must be in range 0-${highestId}`);
  return id;
}

/** Lines of `name:password:uid:gid:comment:home:shell`; those that are not are passed over. */
function parsePasswd(text: string): PasswdEntry[] {
  return records(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    isId(uid) && isId(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home: home === '' ? '/' : home }] : [],
  );
}

/** Lines of `name:password:gid:member,member`. */
function parseGroup(text: string): GroupEntry[] {
  return records(text).flatMap(([name = '', , gid = '', members = '']) =>
    isId(gid) ? [{ name, gid: Number(gid), members: members.split(',').map((member) => member.trim()) }] : [],
  );
}

function records(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function isId(text: string): boolean {
  return /^[0-9]{1,10}$/.test(text) && Number(text) <= highestId;
}

function unknown(message: string) {
  return invalid(message, { code: 'unknown-user' });
}
