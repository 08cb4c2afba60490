import { crashPoint } from '../base/crash-points.ts';
import { conflict, notFound } from '../base/errors.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import { changeHosts } from './hosts-file.ts';
import { hostsNames, linksOf, linkTargets } from './links.ts';
import { type ContainerRecord, isRunning } from './record.ts';

/** The journal's kind of a link that is taken from a running container. */
export const unlinkIntent = 'container.unlink';

export interface UnlinkPayload {
  /** What the other is called in /etc/hosts. */
  readonly names: string;
}

/**
 * Takes back a link, named `PARENT/ALIAS`: from a container that runs its line in /etc/hosts and the rules that it opened,
 * at once; its environment stays. Killed after it is recorded, the next engine takes the rest.
 * @throws not-found, conflict for the name of a container.
 */
export async function removeLink(context: ContainerContext, name: string): Promise<void> {
  const { locks, store, database, journal, networks } = context;
  const [parentName = '', alias] = name.replace(/^\//, '').split('/');
  if (alias === undefined) throw conflict('Conflict, cannot remove the default link name of the container');
  const { id } = store.resolve(parentName);
  await locks.with('container', id, async () => {
    const parent = store.resolve(id);
    const links = parent.host.Links ?? [];
    const host = { ...parent.host, Links: links.filter((text) => text.split(':')[1] !== alias) };
    if (host.Links.length === links.length) throw notFound(`could not get link /${parent.name}/${alias}: no such link`);
    const removed = linksOf(store, parent).find((link) => link.alias === alias);
    if (!removed || !isRunning(parent)) {
      store.redefine(parent, { host });
      return;
    }
    const payload: UnlinkPayload = { names: hostsNames(removed) };
    const change = networks.relink(id, linkTargets(context, { ...parent, host }));
    const intent = database.transaction(() => {
      store.redefine(parent, { host });
      change.record();
      return journal.begin(unlinkIntent, id, payload);
    });
    crashPoint('container.unlink.recorded');
    settleUnlink(context, parent, payload);
    await change.apply();
    journal.done(intent);
  });
}

/** Takes the line out of /etc/hosts. Idempotent; nothing for a container that has ended meanwhile. */
export function settleUnlink(context: ContainerContext, record: ContainerRecord, { names }: UnlinkPayload): void {
  changeHosts(pathsOf(context, record).hosts, ([, given]) => given === names, []);
}
