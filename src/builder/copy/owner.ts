import { invalid } from '../../base/errors.ts';
import { resolvePath, type SourceTree } from '../sources/tree.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const largest = 4 * 1024 * 1024;

/**
 * The ids that `--chown` means, by the files of the stage that is copied to: `user[:group]`, names or numbers. A name
 * alone brings its own group, a number alone stands for the group too.
 * @throws invalid for names that are not known there.
 */
export async function resolveOwner(tree: SourceTree, text: string): Promise<Owner> {
  const [user = '', group, ...more] = text.split(':');
  if (user === '' || more.length > 0 || group === '')
    throw invalid(`invalid chown string passed: ${text}`, { code: 'bad-owner' });
  const account = isNumber(user) ? undefined : await find(tree, 'etc/passwd', user);
  const uid = isNumber(user) ? Number(user) : Number(account?.[2]);
  if (Number.isNaN(uid)) throw unknown(`unable to find user ${user}`, 'passwd');
  if (group === undefined) return { uid, gid: account ? Number(account[3]) : uid };
  const gid = isNumber(group) ? Number(group) : Number((await find(tree, 'etc/group', group))?.[2]);
  if (Number.isNaN(gid)) throw unknown(`unable to find group ${group}`, 'group');
  return { uid, gid };
}

const isNumber = (text: string): boolean => /^\d{1,10}$/.test(text);

const unknown = (what: string, file: string): Error =>
  invalid(`${what}: no matching entries in ${file} file`, { code: 'unknown-owner' });

async function find(tree: SourceTree, file: string, name: string): Promise<string[] | undefined> {
  const path = resolvePath(tree, file);
  const node = tree.look(path);
  if (node?.kind !== 'file' || node.size > largest) return undefined;
  const parts: Buffer[] = [];
  for await (const part of tree.read(path)) parts.push(part);
  const line = Buffer.concat(parts)
    .toString()
    .split('\n')
    .map((one) => one.split(':'))
    .find(([first]) => first === name);
  return line;
}
