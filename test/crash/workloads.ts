import type { CrashPoint } from '../../src/base/crash-points.ts';
import { contextOf } from '../helpers/build.ts';
import type { TestEngine } from '../helpers/engine.ts';

/** What a workload finds on the engine: made by `prepare` before the engine is started to crash. */
export interface Stage {
  readonly engine: TestEngine;
  /** `host:port/name:tag` of an image in a registry on loopback. */
  readonly remoteImage: string;
  /** What is written here is the crash point at which the engine dies (base/crash-points.ts). */
  readonly crashFile: string;
  /** An image archive, as `save` writes it. */
  readonly archive: Buffer;
}

/** A workload that passes a crash point. It is cut off by the crash, so its own failure says nothing. */
export type Workload = (stage: Stage) => Promise<void>;

export const image = 'busybox';

const runAndRemove: Workload = async ({ engine }) => {
  const id = await create(engine, {
    Cmd: ['sh', '-c', 'echo hi; exit 3'],
    ExposedPorts: { '80/tcp': {} },
    HostConfig: { AutoRemove: true, PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } },
  });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', `/containers/${id}/wait?condition=removed`);
};

const runHeld: Workload = async ({ engine }) => {
  const id = await create(engine, { Cmd: ['true'], HostConfig: { Egress: ['allow=networks,deny=all'] } });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', `/containers/${id}/wait?condition=not-running`);
};

const runAndKeep: Workload = async ({ engine }) => {
  const id = await create(engine, { Cmd: ['sh', '-c', 'echo hi; exit 3'] });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', `/containers/${id}/wait?condition=not-running`);
};

const removeForced: Workload = async ({ engine }) => {
  const id = await create(engine, { Cmd: ['sleep', '1000'] });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('DELETE', `/containers/${id}?force=1`);
};

const stop: Workload = async ({ engine }) => {
  const id = await create(engine, { Cmd: ['sh', '-c', 'sleep 2; exit 3'] });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', `/containers/${id}/stop?t=0`);
};

const rename: Workload = async ({ engine }) => {
  const id = await create(engine, {});
  await engine.api('POST', `/containers/${id}/rename?name=renamed`);
};

const pause: Workload = async ({ engine }) => {
  const id = await create(engine, { Cmd: ['sleep', '1000'] });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', `/containers/${id}/pause`);
};

const restartByHand: Workload = async ({ engine }) => {
  const id = await create(engine, { Cmd: ['sh', '-c', 'sleep 2; exit 3'] });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', `/containers/${id}/restart?t=0`);
};

const restartByPolicy: Workload = async ({ engine }) => {
  const policy = { Name: 'on-failure', MaximumRetryCount: 2 };
  const id = await create(engine, { Cmd: ['sh', '-c', 'echo hi; exit 3'], HostConfig: { RestartPolicy: policy } });
  await engine.api('POST', `/containers/${id}/start`);
};

const update: Workload = async ({ engine }) => {
  const id = await create(engine, { Cmd: ['sleep', '2'] });
  await engine.api('POST', `/containers/${id}/start`);
  const PortBindingsAdd = { '80/tcp': [{ HostIp: '127.0.0.1' }] };
  await engine.api('POST', `/containers/${id}/update`, { PidsLimit: 50, PortBindingsAdd });
};

const execute: Workload = async ({ engine }) => {
  const made = await engine.api('POST', '/containers/steady/exec', {
    Cmd: ['sh', '-c', 'sleep 0.3'],
    AttachStdout: true,
  });
  const { Id } = made.json<{ Id: string }>();
  await engine.api('POST', `/exec/${Id}/start`, { Detach: true });
};

const pull: Workload = async ({ engine, remoteImage }) => {
  await engine.api('DELETE', `/images/${remoteImage}?force=1`);
  await engine.api('DELETE', '/images/crash:seed?force=1');
  await engine.api('POST', `/images/create?fromImage=${encodeURIComponent(remoteImage)}`);
};

const load: Workload = async ({ engine, archive }) => {
  await engine.api('POST', '/images/load', archive);
  await engine.api('DELETE', '/images/crash:seed?force=1');
};

const tagAndRemove: Workload = async ({ engine }) => {
  await engine.api('POST', `/images/${image}/tag?repo=crash&tag=one`);
  await engine.api('DELETE', '/images/crash:one');
};

const importImage: Workload = async ({ engine }) => {
  const query = 'fromSrc=-&repo=crash&tag=imported';
  await engine.api('POST', `/images/create?${query}`, Buffer.alloc(10240));
  await engine.api('DELETE', '/images/crash:imported?force=1');
};

const bootstrap: Workload = async ({ engine }) => {
  await engine.api('POST', '/images/bootstrap', { Name: 'crash:made', Template: 'touch "$1/file"' });
  await engine.api('DELETE', '/images/crash:made?force=1');
};

const commit: Workload = async ({ engine }) => {
  const id = await create(engine, { Cmd: ['sh', '-c', 'echo hi > /new; rm /bin/true'] });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', `/containers/${id}/wait`);
  await engine.api('POST', `/commit?container=${id}&repo=crash&tag=committed`, {});
  await engine.api('DELETE', '/images/crash:committed?force=1');
};

const prune: Workload = async ({ engine }) => {
  const query = 'fromSrc=-&repo=crash&tag=unused&changes=LABEL+unused=1';
  await engine.api('POST', `/images/create?${query}`, Buffer.alloc(10240));
  const filters = encodeURIComponent('{"dangling":["false"],"label":["unused"]}');
  await engine.api('POST', `/images/prune?filters=${filters}`);
};

const logMuch: Workload = async ({ engine }) => {
  const LogConfig = { Type: 'local', Config: { 'max-size': '1m', 'max-file': '3' } };
  const id = await create(engine, {
    Cmd: ['sh', '-c', 'seq 1 100000; sleep 2; seq 1 100000'],
    HostConfig: { LogConfig },
  });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', `/containers/${id}/wait`);
};

const logJson: Workload = async ({ engine }) => {
  const LogConfig = { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '3' } };
  const id = await create(engine, { Cmd: ['seq', '1', '100000'], HostConfig: { LogConfig } });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', `/containers/${id}/wait`);
};

const clearLog: Workload = async ({ engine }) => {
  const LogConfig = { Type: 'local' };
  const id = await create(engine, { Cmd: ['sh', '-c', 'echo hi; sleep 2'], HostConfig: { LogConfig } });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('DELETE', `/containers/${id}/logs`);
};

const copy: Workload = async ({ engine }) => {
  const id = await create(engine, { HostConfig: { Binds: ['/etc:/mnt/etc:ro'] } });
  await engine.api('GET', `/containers/${id}/archive?path=/mnt/etc/hostname`);
};

const look: Workload = async ({ engine }) => {
  const other = await create(engine, { HostConfig: { Binds: ['/etc:/etc:ro'] } });
  const Mounts = [{ Type: 'container', Source: other, Target: '/target', ReadOnly: true }];
  const id = await create(engine, { Cmd: ['ls', '/target'], HostConfig: { Mounts, IpcMode: 'shareable' } });
  await engine.api('POST', `/containers/${id}/start`);
};

const volumes: Workload = async ({ engine }) => {
  const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' };
  await engine.api('POST', '/volumes/create', { Name: 'crash', DriverOpts: options });
  await engine.api('DELETE', '/volumes/crash');
};

const withVolumes: Workload = async ({ engine }) => {
  const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=10m' };
  await engine.api('POST', '/volumes/create', { Name: 'crash-tmpfs', DriverOpts: options });
  const id = await create(engine, {
    Cmd: ['sh', '-c', 'ls /bin /etc; echo more > /named/file'],
    Volumes: { '/bin': {} },
    HostConfig: { AutoRemove: true, Binds: ['crash-named:/etc', 'crash-tmpfs:/named'] },
  });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', `/containers/${id}/wait?condition=removed`);
  await engine.api('DELETE', '/volumes/crash-named');
  await engine.api('DELETE', '/volumes/crash-tmpfs');
};

const changeVolumes: Workload = async ({ engine }) => {
  for (const name of ['from', 'renamed', 'snapshot']) await engine.api('DELETE', `/volumes/crash-${name}?force=1`);
  await engine.api('POST', '/volumes/crash-from/import', Buffer.alloc(10240));
  await engine.api('POST', '/volumes/crash-from/clone', { Name: 'crash-snapshot', Snapshot: true });
  await engine.api('POST', '/volumes/crash-from/restore', { From: 'crash-snapshot' });
  await engine.api('POST', '/volumes/crash-from/rename?name=crash-renamed');
};

const unlink: Workload = async ({ engine }) => {
  const HostConfig = { Links: ['steady:other'] };
  const id = await create(engine, { Cmd: ['sh', '-c', 'while grep other /etc/hosts; do sleep 0.1; done'], HostConfig });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('DELETE', `/containers/${id}/other?link=1`);
  await engine.api('POST', `/containers/${id}/wait`);
};

/** Into one that is there and empty. */
const importVolume: Workload = async ({ engine }) => {
  await engine.api('DELETE', '/volumes/crash-into?force=1');
  await engine.api('POST', '/volumes/create', { Name: 'crash-into' });
  await engine.api('POST', '/volumes/crash-into/import', contextOf({ file: 'content', other: 'content' }));
};

/** Joins a network and leaves it, live; what an earlier one left is taken away first. */
const network: Workload = async ({ engine }) => {
  await engine.api('DELETE', '/networks/crash');
  await engine.api('POST', '/networks/create', { Name: 'crash', Internal: true });
  const id = await create(engine, {
    Cmd: ['sleep', '2'],
    HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1' }] }, Egress: ['deny=all'] },
  });
  await engine.api('POST', `/containers/${id}/start`);
  await engine.api('POST', '/networks/crash/connect', { Container: id });
  await engine.api('POST', '/networks/crash/disconnect', { Container: id });
  await engine.api('DELETE', '/networks/crash');
};

const build: Workload = async ({ engine }) => {
  const lines = [
    `FROM ${image}`,
    'COPY file /copied',
    'RUN --mount=type=cache,target=/cache echo hi > /made; sleep 0.2',
    'CMD ["true"]',
  ];
  const context = contextOf({ Dockerfile: lines.join('\n'), file: 'content' });
  await engine.api('POST', '/build?t=crash:built&nocache=1', context);
  await engine.api('DELETE', '/images/crash:built?force=1');
  await engine.api('POST', '/build/prune?all=1');
};

/** Of a large file, into one layer, and with the steps sent to a registry. */
const buildOver: Workload = async ({ engine, remoteImage }) => {
  const lines = [
    `FROM ${image}`,
    'COPY file /copied',
    'RUN --mount=type=cache,target=/cache echo hi | tee /made /cache/kept; rm /copied',
  ];
  const context = contextOf({ Dockerfile: lines.join('\n'), file: Buffer.alloc(5_000_000, 'content') });
  const ref = remoteImage.replace(/[^/]*$/, 'steps');
  const query = new URLSearchParams({
    ...{ t: 'crash:squashed', nocache: '1', squash: '1' },
    cacheto: JSON.stringify([`type=registry,ref=${ref},mode=max,mounts=true`]),
  });
  await engine.api('POST', `/build?${query}`, context);
  await engine.api('DELETE', '/images/crash:squashed?force=1');
  await engine.api('POST', '/build/prune?all=1');
};

/** Which workload passes which point. Complete by its type: a new point needs a line here. */
export const workloads: Readonly<Record<CrashPoint, Workload>> = {
  'container.create.recorded': runAndKeep,
  'container.start.journaled': runAndKeep,
  'container.start.mounted': runAndRemove,
  'container.start.networked': runAndRemove,
  'container.start.shown': look,
  'container.start.volumes': withVolumes,
  'container.start.bundled': runAndKeep,
  'container.start.created': runAndRemove,
  'container.start.started': runAndRemove,
  'container.start.recorded': runAndKeep,
  'container.exit.seen': runAndKeep,
  'container.exit.recorded': runAndRemove,
  'container.exit.released': runAndRemove,
  'container.restart.stopped': restartByHand,
  'container.restart.waiting': restartByPolicy,
  'container.restart.due': restartByPolicy,
  'container.stop.asked': stop,
  'container.stop.signalled': stop,
  'container.rename.recorded': rename,
  'container.pause.frozen': pause,
  'container.unlink.recorded': unlink,
  'container.update.applied': update,
  'container.update.recorded': update,
  'container.copy.mounted': copy,
  'container.remove.journaled': runAndRemove,
  'container.remove.unmounted': removeForced,
  'container.remove.deleted': removeForced,
  'container.remove.forgotten': withVolumes,
  'exec.create.prepared': execute,
  'exec.start.prepared': execute,
  'exec.start.spawned': execute,
  'exec.exit.seen': execute,
  'image.pull.leased': pull,
  'image.pull.blob-placed': pull,
  'image.pull.blob-written': pull,
  'image.pull.layer-unpacked': pull,
  'image.pull.layer-committed': pull,
  'image.pull.recorded': pull,
  'image.settle.due': pull,
  'image.settle.synced': pull,
  'image.load.recorded': load,
  'image.import.recorded': importImage,
  'image.bootstrap.made': bootstrap,
  'image.commit.read': commit,
  'image.commit.recorded': commit,
  'image.tag.recorded': tagAndRemove,
  'image.remove.recorded': tagAndRemove,
  'image.prune.recorded': prune,
  'image.gc.swept': importImage,
  'build.context.received': build,
  'build.mount.recorded': build,
  'build.mount.filled': build,
  'build.mount.forgotten': build,
  'build.copy.spooled': buildOver,
  'build.copy.unpacked': buildOver,
  'build.run.ended': build,
  'build.layer.read': build,
  'build.layer.spooled': build,
  'build.layer.adopted': build,
  'build.layer.recorded': build,
  'build.squash.unpacked': buildOver,
  'build.image.written': build,
  'build.image.recorded': build,
  'build.cache.recorded': build,
  'build.cache.packed': buildOver,
  'build.cache.sent': buildOver,
  'build.prune.recorded': build,
  'volume.create.journaled': volumes,
  'volume.create.made': volumes,
  'volume.create.recorded': volumes,
  'volume.reserve.recorded': withVolumes,
  'volume.fill.journaled': withVolumes,
  'volume.fill.copied': withVolumes,
  'volume.rename.journaled': changeVolumes,
  'volume.rename.moved': changeVolumes,
  'volume.clone.copied': changeVolumes,
  'volume.restore.journaled': changeVolumes,
  'volume.restore.emptied': changeVolumes,
  'volume.import.unpacked': changeVolumes,
  'volume.import.staged': importVolume,
  'volume.import.moved': importVolume,
  'volume.remove.journaled': volumes,
  'volume.remove.deleted': volumes,
  'log.rotate.linked': logMuch,
  'log.rotate.reopened': logMuch,
  'log.rotate.compressed': logMuch,
  'log.clear.emptied': clearLog,
  'log.copy.written': logJson,
  'log.copy.turned': logJson,
  'network.endpoint.journaled': runAndRemove,
  'network.endpoint.linked': runAndRemove,
  'network.endpoint.unpublished': runAndRemove,
  'network.endpoint.published': runAndRemove,
  'network.rules.written': runHeld,
  'network.create.recorded': network,
  'network.create.made': network,
  'network.change.recorded': network,
  'network.change.linked': network,
  'network.change.applied': network,
  'container.resolver.written': network,
  'network.remove.recorded': network,
  'network.remove.unmade': network,
};

async function create(engine: TestEngine, config: object): Promise<string> {
  const answer = await engine.api('POST', '/containers/create', { Image: image, ...config });
  return answer.json<{ Id: string }>().Id;
}
