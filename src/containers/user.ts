import { type ResolvedUser, resolveUser } from '../formats/user-spec.ts';
import { readInRoot } from '../host/read-in-root.ts';

/** The ids behind a container's `user[:group]`, by the passwd and group files inside its root. @throws invalid for an unknown name. */
export function lookUpUser(rootfs: string, spec: string, groupAdd: readonly string[]): ResolvedUser {
  const passwd = readInRoot(rootfs, '/etc/passwd');
  const group = readInRoot(rootfs, '/etc/group');
  return resolveUser(spec, { passwd, group }, groupAdd);
}
