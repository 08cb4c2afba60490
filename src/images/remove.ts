import type { Platform } from '../api/oci/image.ts';
import type { ImageDeleted } from '../api/types/image.ts';
import { crashPoint } from '../base/crash-points.ts';
import type { Database } from '../base/database.ts';
import { conflict } from '../base/errors.ts';
import { shortId } from '../base/ids.ts';
import {
  formatFamiliar,
  formatReference,
  parseReference,
  repositoryName,
  withDefaultTag,
  withDigest,
} from '../formats/reference.ts';
import type { Image } from './contract.ts';
import { type CollectorDeps, collectGarbage } from './gc.ts';
import type { ImageEvents } from './image-events.ts';
import type { ImageName } from './name-rows.ts';
import { resolveVariant } from './platform-variant.ts';
import { isIdOf, resolveImage } from './resolve.ts';

export interface RemoveDeps extends CollectorDeps {
  readonly database: Database;
  readonly events: ImageEvents;
  /** Undefined for a container that is gone. */
  readonly containerState: (id: string) => 'running' | 'stopped' | undefined;
}

/** What is to happen, decided and carried out in one synchronous step. */
interface Removal {
  readonly untagged: string[];
  readonly deleted: boolean;
}

/**
 * Untags an image, or removes it with its last name, by Docker's rules: by name an untagging is enough while other
 * names are left; by id all names must be of one repository; a running container forbids removal, a stopped one
 * unless forced. Layers and blobs that nothing needs any more go too. There are no parent images to prune: every
 * image stands for itself. With platforms, the images for these that the reference stands for are removed one after the
 * other: the one that has the name by its name, others from the same index by their id.
 * @throws not-found, conflict in Docker's sentences; nothing is changed then.
 */
export async function removeImage(
  deps: RemoveDeps,
  reference: string,
  options: { force: boolean; platforms?: readonly Platform[] },
): Promise<ImageDeleted[]> {
  const named = resolveImage(deps.state, reference);
  const { platforms = [], force } = options;
  if (platforms.length === 0) return removeOne(deps, named, reference, force);
  const found = platforms.map((platform) => resolveVariant(deps.state, reference, platform));
  const removed: ImageDeleted[] = [];
  for (const image of new Map(found.map((one) => [one.id, one])).values()) {
    removed.push(...(await removeOne(deps, image, image.id === named.id ? reference : image.id, force)));
  }
  return removed;
}

async function removeOne(deps: RemoveDeps, image: Image, reference: string, force: boolean): Promise<ImageDeleted[]> {
  const labels = image.config.config?.Labels ?? {};
  const { untagged, deleted } = deps.database.transaction(() => decide(deps, image, reference, force));
  crashPoint('image.remove.recorded');
  const answer: ImageDeleted[] = untagged.map((name) => ({ Untagged: name }));
  for (const _ of untagged) deps.events.publish('untag', image.id, image.id, labels);
  if (!deleted) return answer;
  deps.events.publish('delete', image.id, image.id, {});
  answer.push({ Deleted: image.id });
  const { layers } = await collectGarbage(deps);
  return [...answer, ...layers.filter((layer) => image.layers.includes(layer)).map((Deleted) => ({ Deleted }))];
}

function decide(deps: RemoveDeps, image: Image, reference: string, force: boolean): Removal {
  return isIdOf(image.id, reference) ? removeById(deps, image, force) : removeByName(deps, image, reference, force);
}

function removeByName(deps: RemoveDeps, image: Image, text: string, force: boolean): Removal {
  const { state } = deps;
  const parsed = parseReference(text);
  const reference = parsed.digest === undefined ? withDefaultTag(parsed) : withDigest(parsed, parsed.digest);
  if (!force && isSingle(state.names(image.id))) {
    const [user] = usersOf(deps, image.id);
    if (user) {
      const why = `container ${shortId(user.id)} is using its referenced image ${shortId(image.id)}`;
      throw inUse(`conflict: unable to remove repository reference ${JSON.stringify(text)} (must force) - ${why}`);
    }
  }
  const gone = [formatReference(reference)];
  const repository = repositoryName(reference);
  const left = state.names(image.id).filter(({ name }) => name !== gone[0]);
  const ofRepository = left.filter(({ name }) => repositoryName(parseReference(name)) === repository);
  // Digests of a repository mean nothing to the user once its last tag is gone.
  if (reference.digest === undefined && ofRepository.every(({ kind }) => kind === 'digest')) {
    gone.push(...ofRepository.map(({ name }) => name));
  }
  for (const name of gone) state.removeName(name);
  const untagged = gone.map(familiar);
  if (state.names(image.id).length > 0) return { untagged, deleted: false };
  const obstacle = conflictOf(deps, image, force);
  if (obstacle) return { untagged, deleted: false };
  state.removeImage(image.id);
  return { untagged, deleted: true };
}

function removeById(deps: RemoveDeps, image: Image, force: boolean): Removal {
  const { state } = deps;
  const names = state.names(image.id);
  const obstacle = conflictOf(deps, image, force, isSingle(names));
  if (obstacle) throw inUse(obstacle);
  state.removeImage(image.id);
  return { untagged: names.map(({ name }) => familiar(name)), deleted: true };
}

/** A normalised name as users know it. */
export const familiar = (name: string): string => formatFamiliar(parseReference(name));
const inUse = (message: string): Error => conflict(message, { code: 'image-in-use' });

/** Why an image may not be deleted. Names count unless they go with it. */
function conflictOf(deps: RemoveDeps, image: Image, force: boolean, namesGo = false): string | undefined {
  const users = usersOf(deps, image.id);
  const sentence = (how: string, why: string): string =>
    `conflict: unable to delete ${shortId(image.id)} (${how}) - ${why}`;
  const running = users.find(({ state }) => state === 'running');
  if (running) {
    return sentence('cannot be forced', `image is being used by running container ${shortId(running.id)}`);
  }
  if (force) return undefined;
  if (!namesGo && deps.state.names(image.id).length > 0) {
    return sentence('must be forced', 'image is referenced in multiple repositories');
  }
  const stopped = users[0];
  return stopped && sentence('must be forced', `image is being used by stopped container ${shortId(stopped.id)}`);
}

/** The containers that stand on an image. */
export function usersOf(deps: RemoveDeps, imageId: string): { id: string; state: 'running' | 'stopped' }[] {
  return deps.leases
    .holders('image', imageId)
    .filter((holder) => holder.startsWith('container:'))
    .map((holder) => holder.slice('container:'.length))
    .flatMap((id) => {
      const state = deps.containerState(id);
      return state === undefined ? [] : [{ id, state }];
    });
}

/** True when the names are at most one tag, with digests of the same repository only. */
function isSingle(names: readonly ImageName[]): boolean {
  if (names.length <= 1) return true;
  if (names.filter(({ kind }) => kind === 'tag').length > 1) return false;
  return new Set(names.map(({ name }) => repositoryName(parseReference(name)))).size === 1;
}
