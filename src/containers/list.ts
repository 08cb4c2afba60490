import type { ContainerStatus, ContainerSummary, PortSummary } from '../api/types/container.ts';
import { invalid } from '../base/errors.ts';
import { humanDuration } from '../formats/duration.ts';
import type { Sandbox } from '../networks/contract.ts';
import type { ContainerContext } from './context.ts';
import type { ContainerListOptions } from './contract.ts';
import { endpointsOf } from './endpoints.ts';
import type { Health } from './health-state.ts';
import { sizes } from './inspect.ts';
import { mountPoints } from './mounts.ts';
import { type ContainerRecord, isActive, isRunning } from './record.ts';
import { sharedWith } from './shared-namespaces.ts';

/** `GET /containers/json`: newest first. @throws invalid for a filter that does not exist, or a bad value of one. */
export async function listContainers(
  context: ContainerContext,
  options: ContainerListOptions,
): Promise<ContainerSummary[]> {
  const now = lookNow(context);
  const matches = compileFilters(now, options.filters);
  const wantsAll =
    options.all || options.limit !== undefined || 'status' in options.filters || 'exited' in options.filters;
  const found = context.store
    .all()
    .filter((record) => (wantsAll || isActive(record)) && matches(record))
    .sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : 0))
    .slice(0, options.limit);
  return await Promise.all(found.map((record) => summarize(now, record, options.size)));
}

/** What is asked of other domains for every container: each image and network by its name once, all sandboxes at once. */
interface Look {
  readonly context: ContainerContext;
  imageId(name: string): string | undefined;
  sandboxOf(containerId: string): Sandbox | undefined;
  find: ContainerContext['networks']['find'];
}

function lookNow(context: ContainerContext): Look {
  const images = new Map<string, string | undefined>();
  const networks = new Map<string, ReturnType<Look['find']>>();
  let sandboxes: ReadonlyMap<string, Sandbox> | undefined;
  return {
    context,
    imageId(name) {
      if (!images.has(name)) images.set(name, context.images.find(name)?.id);
      return images.get(name);
    },
    find(reference) {
      if (!networks.has(reference)) networks.set(reference, context.networks.find(reference));
      return networks.get(reference);
    },
    sandboxOf(containerId) {
      sandboxes ??= context.networks.sandboxes();
      return sandboxes.get(containerId);
    },
  };
}

async function summarize(now: Look, record: ContainerRecord, size: boolean): Promise<ContainerSummary> {
  const { context } = now;
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    Image: imageName(now, record),
    ImageID: record.imageId,
    Command: [record.path, ...record.args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' '),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: portSummaries(now, record),
    ...(size ? await sizes(context, record) : {}),
    Labels: record.config.Labels ?? {},
    State: record.state.status,
    Status: statusText(record, context.health.of(record.id)),
    Health: healthSummary(context, record),
    HostConfig: { NetworkMode: record.host.NetworkMode ?? 'default' },
    NetworkSettings: { Networks: endpointsOf(now, record) },
    Mounts: mountPoints(context.volumes, record),
  };
}

/** The name the container was made with, or the image's id once that name stands for another image. */
function imageName(now: Look, record: ContainerRecord): string {
  return now.imageId(record.imageName) === record.imageId ? record.imageName : record.imageId;
}

function portSummaries(now: Look, record: ContainerRecord): PortSummary[] {
  const published = now.sandboxOf(record.id)?.ports ?? {};
  const open = Object.keys(record.config.ExposedPorts ?? {}).filter(
    (port) => !(port in published) && isRunning(record) && !sharedWith(record.host.NetworkMode),
  );
  const summaries: PortSummary[] = open.map((port) => portSummary(port));
  for (const [port, bindings] of Object.entries(published)) {
    if (!bindings?.length) summaries.push(portSummary(port));
    for (const { HostIp, HostPort } of bindings ?? [])
      summaries.push({ IP: HostIp, ...portSummary(port), ...(HostPort ? { PublicPort: Number(HostPort) } : {}) });
  }
  return summaries;
}

function portSummary(port: string): PortSummary {
  const [number, Type = 'tcp'] = port.split('/');
  return { PrivatePort: Number(number), Type };
}

/** The human sentence of `docker ps`: "Up 5 minutes", "Exited (0) 2 hours ago". */
export function statusText(record: ContainerRecord, health?: Health, now = Date.now()): string {
  const { state } = record;
  const since = (time: string): string => humanDuration(BigInt(Math.max(0, now - Date.parse(time))) * 1_000_000n);
  if (state.status === 'running') return `Up ${since(state.startedAt)}${healthText(health)}`;
  if (state.status === 'paused') return `Up ${since(state.startedAt)} (Paused)`;
  if (state.status === 'restarting') return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
  if (state.status === 'exited') return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  if (state.status === 'removing') return 'Removal In Progress';
  return state.status === 'dead' ? 'Dead' : 'Created';
}

const healthText = (health: Health | undefined): string =>
  health ? ` (${health.status === 'starting' ? 'health: starting' : health.status})` : '';

/** `none` for a container that does not run, too. */
function healthSummary(context: ContainerContext, record: ContainerRecord): ContainerSummary['Health'] {
  const health = isRunning(record) ? context.health.of(record.id) : undefined;
  return { Status: health?.status ?? 'none', FailingStreak: health?.failingStreak ?? 0 };
}

type Predicate = (record: ContainerRecord, value: string) => boolean;
const statuses: readonly ContainerStatus[] = [
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
];

function compileFilters(now: Look, filters: ContainerListOptions['filters']) {
  const { context } = now;
  const created = (reference: string): string => context.store.resolve(reference).created;
  const known: Record<string, Predicate> = {
    id: (record, value) => record.id.startsWith(value) || matchesPattern(record.id, value),
    name: (record, value) =>
      matchesPattern(
        record.name,
        value.replace(/^\^?\//, (text) => text.replace('/', '')),
      ),
    label: (record, value) => hasLabel(record.config.Labels ?? {}, value),
    status: (record, value) => record.state.status === value,
    'is-task': (_, value) => value === 'false', // tasks are of a swarm
    exited: (record, value) => record.state.status === 'exited' && record.state.exitCode === Number(value),
    health: (record, value) => (context.health.of(record.id)?.status ?? 'none') === value,
    ancestor: (record, value) => isAncestor(context, record, value),
    before: (record, value) => record.created < created(value),
    since: (record, value) => record.created > created(value),
    network: (record, value) =>
      Object.entries(endpointsOf(now, record)).some(([name, { NetworkID }]) => name === value || NetworkID === value),
    volume: (record, value) =>
      mountPoints(context.volumes, record).some(({ Name, Destination, Source }) =>
        [Name, Destination, Source].includes(value),
      ),
    publish: (record, value) =>
      portSummaries(now, record).some(({ PublicPort }) => String(PublicPort) === value.split('/')[0]),
    expose: (record, value) =>
      Object.keys(record.config.ExposedPorts ?? {}).some((port) => port.split('/')[0] === value.split('/')[0]),
  };
  for (const [key, values] of Object.entries(filters)) {
    if (!(key in known)) throw invalid(`invalid filter '${key}'`);
    for (const value of values) checkValue(key, value, created);
  }
  // labels must all match; of the other filters one value is enough
  return (record: ContainerRecord): boolean =>
    Object.entries(filters).every(([key, values]) =>
      key === 'label'
        ? values.every((value) => known[key]!(record, value))
        : values.some((value) => known[key]!(record, value)),
    );
}

function checkValue(key: string, value: string, created: (reference: string) => string): void {
  if (key === 'status' && !statuses.includes(value as ContainerStatus))
    throw invalid(`invalid filter 'status=${value}'`);
  if (key === 'is-task' && !['true', 'false'].includes(value)) throw invalid(`invalid filter 'is-task=${value}'`);
  if (key === 'health' && !['none', 'starting', 'healthy', 'unhealthy'].includes(value))
    throw invalid(`unrecognised filter value for health: ${value}`);
  if (key === 'exited' && !/^-?\d+$/.test(value)) throw invalid(`invalid filter 'exited=${value}'`);
  if (key === 'before' || key === 'since') created(value);
}

function matchesPattern(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return text.includes(pattern);
  }
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf('=');
  return at < 0 ? wanted in labels : labels[wanted.slice(0, at)] === wanted.slice(at + 1);
}

/** True for containers of the image, or of one that has all its layers. */
function isAncestor(context: ContainerContext, record: ContainerRecord, reference: string): boolean {
  const image = context.images.find(reference);
  if (!image) return record.imageName === reference;
  return record.imageId === image.id || (image.layers.length > 0 && record.layers.includes(image.layers.at(-1)!));
}
