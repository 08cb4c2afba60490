import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { unsupported } from '../base/errors.ts';
import { everyId, exchangeIds } from '../formats/id-maps.ts';
import { bindMapped } from '../host/mount-tree.ts';
import { makeUserNamespace } from '../host/user-namespace.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import type { ContainerRecord } from './record.ts';
import { lookUpUser } from './user.ts';
import { isRemapped } from './user-namespace.ts';

/**
 * Binds what is at `source` on the host to `place` with ids exchanged: what belongs to the source's owner and group there
 * belongs to the container's user and group inside, and what its user makes belongs to the owner on the disk. All other ids
 * are as they are. The container's root has to be mounted, since its user is looked up in it. It stays until it is unmounted.
 * @throws unsupported where the kernel or the file system cannot, invalid for a user without a place among the container's ids.
 */
export async function bindForUser(
  context: ContainerContext,
  record: ContainerRecord,
  source: string,
  place: string,
): Promise<string> {
  const { remap, namespacePrograms } = context;
  if (!namespacePrograms) throw unsupported('idmap: the program "unshare" is not installed: install util-linux');
  const { uids, gids } = isRemapped(remap, record.host) ? remap.maps : { uids: everyId, gids: everyId };
  const user = lookUpUser(pathsOf(context, record).rootfs, record.config.User ?? '', []);
  const owner = statSync(source);
  const maps = { uids: exchangeIds(uids, owner.uid, user.uid), gids: exchangeIds(gids, owner.gid, user.gid) };
  if (owner.isDirectory()) mkdirSync(place, { recursive: true, mode: 0o700 });
  else writeFileSync(place, '', { flag: 'a' });
  using made = await makeUserNamespace(maps, namespacePrograms);
  bindMapped(source, place, made.user);
  return place;
}
