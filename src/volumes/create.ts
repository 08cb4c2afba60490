import type { Volume, VolumeCreateRequest } from '../api/types/volume.ts';
import { crashPoint } from '../base/crash-points.ts';
import { conflict, TugError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Intent } from '../base/journal.ts';
import { checkVolumeName } from '../formats/volume-spec.ts';
import { anonymousLabel, describe, driverNamed, type VolumeContext, withLock } from './context.ts';
import { notInSwarm } from './contract.ts';
import type { VolumeRecord } from './store.ts';

/**
 * Makes a volume, or finds the one that is there. Journaled: cut off, what was made of it is taken away again.
 * @throws invalid for its name or options, not-found for the driver, conflict for a name that another driver has.
 */
export async function createVolume(context: VolumeContext, request: VolumeCreateRequest): Promise<Volume> {
  if (request.ClusterVolumeSpec) throw notInSwarm();
  const anonymous = !request.Name;
  const wanted = plannedVolume(context, {
    name: request.Name || undefined,
    driver: request.Driver || undefined,
    options: request.DriverOpts ?? {},
    labels: anonymous ? (request.Labels ?? {}) : (request.Labels ?? null),
  });
  return await withLock(context, wanted.name, async () => {
    const there = existing(context, wanted);
    if (there) return describe(context, there);
    const intent = await makeVolume(context, wanted);
    context.database.transaction(() => {
      context.store.add(wanted);
      context.journal.done(intent);
    });
    crashPoint('volume.create.recorded');
    publishCreated(context, wanted);
    return describe(context, wanted);
  });
}

/** A checked record of a volume that is wanted; one without a name gets a random one and Docker's label for it. */
export function plannedVolume(
  context: VolumeContext,
  wish: {
    name: string | undefined;
    driver: string | undefined;
    options: VolumeRecord['options'];
    labels: VolumeRecord['labels'];
  },
): VolumeRecord {
  const { name = newId(), driver = 'local', options } = wish;
  try {
    checkVolumeName(name);
    driverNamed(context, driver);
  } catch (error) {
    throw prefixed(error, name);
  }
  const labels = wish.name === undefined ? { ...wish.labels, [anonymousLabel]: '' } : wish.labels;
  return { name, driver, created: new Date().toISOString(), labels, options };
}

/** The volume that has this name already. @throws conflict when its driver is another. */
export function existing(context: VolumeContext, wanted: VolumeRecord): VolumeRecord | undefined {
  const there = context.store.get(wanted.name);
  if (there && there.driver !== wanted.driver)
    throw conflict(`create ${wanted.name}: conflict: volume name must be unique`, { code: 'volume-name' });
  return there;
}

/** Makes the data of a volume that is not recorded yet. Returns the intent that is to be done with its record. */
export async function makeVolume(context: VolumeContext, wanted: VolumeRecord): Promise<Intent> {
  const driver = driverNamed(context, wanted.driver);
  try {
    driver.check(wanted.options);
  } catch (error) {
    throw prefixed(error, wanted.name);
  }
  const payload: MakePayload = { driver: wanted.driver, options: wanted.options };
  const intent = context.journal.begin('volume.create', wanted.name, payload);
  crashPoint('volume.create.journaled');
  try {
    await driver.create(wanted);
  } catch (error) {
    await unmakeVolume(context, wanted, intent);
    throw error;
  }
  crashPoint('volume.create.made');
  return intent;
}

/** What the journal keeps of a volume in the making. */
export type MakePayload = Pick<VolumeRecord, 'driver' | 'options'>;

/** Takes away what `makeVolume` made. Idempotent. */
export async function unmakeVolume(context: VolumeContext, wanted: VolumeRecord, intent: Intent): Promise<void> {
  const driver = driverNamed(context, wanted.driver);
  if (driver.needsMount(wanted)) await driver.unmount(wanted);
  await driver.remove(wanted);
  context.journal.done(intent);
}

export function publishCreated({ events }: VolumeContext, { name, driver }: VolumeRecord): void {
  events.publish('volume', 'create', name, { driver });
}

/** Docker says what it was about to make. */
function prefixed(error: unknown, name: string): unknown {
  const prefix = `create ${name}: `;
  if (!(error instanceof TugError) || error.message.startsWith('create ')) return error;
  return new TugError(error.kind, prefix + error.message, { code: error.code, cause: error });
}
