import { crashPoint } from '../base/crash-points.ts';
import type { Intent } from '../base/journal.ts';
import { driverNamed, type VolumeContext, volumeNamed, withLocks } from './context.ts';
import type { ReservedVolumes, VolumeWish } from './contract.ts';
import { existing, makeVolume, plannedVolume, publishCreated, unmakeVolume } from './create.ts';
import { fillVolume, isEmptyVolume } from './fill.ts';
import type { VolumeRecord } from './store.ts';

/** `ContainerVolumes.reserve`. Killed within, the next engine takes away what `work` did not record. */
export async function reserveVolumes<T>(
  context: VolumeContext,
  wishes: readonly VolumeWish[],
  work: (volumes: ReservedVolumes) => Promise<T>,
): Promise<T> {
  const wanted = wishes.map((wish) => plannedVolume(context, wish));
  const names = wanted.map(({ name }) => name);
  return await withLocks(context, names, async () => {
    const made = new Map<string, { record: VolumeRecord; intent: Intent }>();
    const user = `reserve:${names[0] ?? ''}`;
    const recorded = { done: false };
    try {
      for (const record of wanted) {
        if (made.has(record.name) || existing(context, record)) continue;
        made.set(record.name, { record, intent: await makeVolume(context, record) });
      }
      const result = await work(reservation(context, names, made, { user, recorded }));
      crashPoint('volume.reserve.recorded');
      return result;
    } finally {
      await unmountAll(context, made, user);
      for (const { record, intent } of made.values()) {
        if (recorded.done) publishCreated(context, record);
        else await unmakeQuietly(context, record, intent);
      }
    }
  });
}

type Made = ReadonlyMap<string, { readonly record: VolumeRecord; readonly intent: Intent }>;

function reservation(
  context: VolumeContext,
  names: readonly string[],
  made: Made,
  { user, recorded }: { user: string; recorded: { done: boolean } },
): ReservedVolumes {
  const mounted = async (name: string): Promise<string> => {
    const record = made.get(name)?.record ?? volumeNamed(context, name);
    return await context.mounts.mount(record, driverNamed(context, record.driver), user);
  };
  return {
    names,
    isEmpty: async (name, subpath) => isEmptyVolume(await mounted(name), subpath),
    fill: async (name, source, subpath) =>
      await fillVolume(context, { name, path: await mounted(name), subpath: subpath ?? '' }, source),
    record(containerId) {
      for (const { record, intent } of made.values()) {
        context.store.add(record);
        context.journal.done(intent);
      }
      context.store.setUses(containerId, names);
      recorded.done = true;
      context.database.onRollback(() => {
        recorded.done = false;
      });
    },
  };
}

/** The first fault is the one to tell; what stays, the journal keeps for the next start. */
async function unmakeQuietly(context: VolumeContext, record: VolumeRecord, intent: Intent): Promise<void> {
  try {
    await unmakeVolume(context, record, intent);
  } catch (error) {
    context.log.error('taking a volume away again', { volume: record.name, error });
  }
}

async function unmountAll(context: VolumeContext, made: Made, user: string): Promise<void> {
  for (const name of context.mounts.of(user)) {
    const record = made.get(name)?.record ?? context.store.get(name);
    if (record) await context.mounts.unmount(record, driverNamed(context, record.driver), user);
  }
}
