import { check, libc } from './ffi.ts';

const [PR_GET_SECUREBITS, PR_SET_SECUREBITS] = [27, 28];
const SECBIT_NO_SETUID_FIXUP = 4;

/**
 * Makes this thread's file system user and group (setfsuid(2)) other ones, with all its capabilities, until it is disposed
 * of: what it creates is theirs, and what it mounts acts as them. The ids are the host's. Other threads keep theirs;
 * start no program meanwhile.
 */
export function actAsOwner({ uid, gid }: { readonly uid: number; readonly gid: number }): Disposable {
  const prctl = libc('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)');
  const before = check(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), 'prctl');
  check(prctl(PR_SET_SECUREBITS, before | SECBIT_NO_SETUID_FIXUP, 0, 0, 0), 'prctl');
  const setUser = libc('int setfsuid(unsigned int)');
  const setGroup = libc('int setfsgid(unsigned int)');
  const [user, group] = [setUser(uid), setGroup(gid)];
  return {
    [Symbol.dispose]() {
      setUser(user);
      setGroup(group);
      check(prctl(PR_SET_SECUREBITS, before, 0, 0, 0), 'prctl');
    },
  };
}
