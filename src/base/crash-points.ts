import { readFileSync, rmSync } from 'node:fs';

/**
 * Named places between two steps that change state or the world. With `TUG_CRASH_AT=name` in the engine's
 * environment the process kills itself with SIGKILL there, the first time it passes; `name:N` the Nth time. With
 * `TUG_CRASH_AT=@FILE` it does so at the point that the file names at that moment, and takes the file away before: an
 * engine that runs can be told so. The crash harness walks this list, so a point that no code passes is found by it.
 */
export const crashPointNames = [
  // a container
  'container.create.recorded',
  'container.start.journaled',
  'container.start.mounted',
  'container.start.networked',
  'container.start.shown',
  'container.start.volumes',
  'container.start.bundled',
  'container.start.created',
  'container.start.started',
  'container.start.recorded',
  'container.exit.seen',
  'container.exit.recorded',
  'container.exit.released',
  'container.restart.stopped',
  'container.restart.waiting',
  'container.restart.due',
  'container.stop.asked',
  'container.stop.signalled',
  'container.rename.recorded',
  'container.pause.frozen',
  'container.unlink.recorded',
  'container.update.applied',
  'container.update.recorded',
  'container.copy.mounted',
  'container.remove.journaled',
  'container.remove.unmounted',
  'container.remove.deleted',
  'container.remove.forgotten',
  // an exec
  'exec.create.prepared',
  'exec.start.prepared',
  'exec.start.spawned',
  'exec.exit.seen',
  // an image
  'image.pull.leased',
  'image.pull.blob-placed',
  'image.pull.blob-written',
  'image.pull.layer-unpacked',
  'image.pull.layer-committed',
  'image.pull.recorded',
  'image.settle.due',
  'image.settle.synced',
  'image.load.recorded',
  'image.import.recorded',
  'image.bootstrap.made',
  'image.commit.read',
  'image.commit.recorded',
  'image.tag.recorded',
  'image.remove.recorded',
  'image.prune.recorded',
  'image.gc.swept',
  // a build
  'build.context.received',
  'build.mount.recorded',
  'build.mount.filled',
  'build.mount.forgotten',
  'build.copy.spooled',
  'build.copy.unpacked',
  'build.run.ended',
  'build.layer.read',
  'build.layer.spooled',
  'build.layer.adopted',
  'build.layer.recorded',
  'build.squash.unpacked',
  'build.image.written',
  'build.image.recorded',
  'build.cache.recorded',
  'build.cache.packed',
  'build.cache.sent',
  'build.prune.recorded',
  // a network
  'network.endpoint.journaled',
  'network.endpoint.linked',
  'network.endpoint.published',
  'network.endpoint.unpublished',
  'network.rules.written',
  'network.create.recorded',
  'network.create.made',
  'network.change.recorded',
  'network.change.linked',
  'network.change.applied',
  'container.resolver.written',
  'network.remove.recorded',
  'network.remove.unmade',
  // a volume
  'volume.create.journaled',
  'volume.create.made',
  'volume.create.recorded',
  'volume.reserve.recorded',
  'volume.fill.journaled',
  'volume.fill.copied',
  'volume.rename.journaled',
  'volume.rename.moved',
  'volume.clone.copied',
  'volume.restore.journaled',
  'volume.restore.emptied',
  'volume.import.unpacked',
  'volume.import.staged',
  'volume.import.moved',
  'volume.remove.journaled',
  'volume.remove.deleted',
  // a log
  'log.rotate.linked',
  'log.rotate.reopened',
  'log.rotate.compressed',
  'log.clear.emptied',
  'log.copy.written',
  'log.copy.turned',
] as const;

export type CrashPoint = (typeof crashPointNames)[number];

const wanted = process.env['TUG_CRASH_AT'];
const file = wanted?.startsWith('@') ? wanted.slice(1) : undefined;
const [wantedName, wantedCount] = wanted?.split(':') ?? [];
let remaining = Number(wantedCount ?? 1);

/** Dies here if the environment asks for it; otherwise costs two comparisons. */
export function crashPoint(name: CrashPoint): void {
  if (file !== undefined && nameIn(file) === name) {
    rmSync(file, { force: true });
    process.kill(process.pid, 'SIGKILL');
  }
  if (wantedName !== name) return;
  remaining -= 1;
  if (remaining <= 0) process.kill(process.pid, 'SIGKILL');
}

function nameIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // nothing is asked for now
  }
}
