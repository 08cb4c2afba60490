import type { ContainerStatus, ContainerSummary, PortSummary } from '../api/types/container.ts';
import { list } from '../client/calls/containers.ts';
import type { Engine } from '../client/engine.ts';
import { labelNames } from './labels.ts';

/** A container of a project, as the engine's list shows it. */
export interface Instance {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly service: string;
  readonly number: number;
  /** Made by `run`: no part of what `up` keeps. */
  readonly oneOff: boolean;
  readonly state: ContainerStatus;
  readonly health: ContainerSummary['Health']['Status'];
  readonly status: string;
  readonly hash: string;
  readonly image: string;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Unix seconds. */
  readonly created: number;
  readonly ports: readonly PortSummary[];
  /** What the list said; undefined for a container that was made just now. */
  readonly summary: ContainerSummary | undefined;
}

/** All containers of a project, those of `run` included, by service and number. */
export async function observeProject(engine: Engine, project: string): Promise<Instance[]> {
  return await observe(engine, [`${labelNames.project}=${project}`]);
}

/** All containers of all projects. */
export const observeAll = (engine: Engine): Promise<Instance[]> => observe(engine, [labelNames.project]);

async function observe(engine: Engine, label: string[]): Promise<Instance[]> {
  const filters = { label };
  const found = await list(engine, { all: true, limit: undefined, size: false, filters });
  return found.map(instanceOf).toSorted(byServiceAndNumber);
}

export const isRunning = ({ state }: Instance): boolean =>
  state === 'running' || state === 'paused' || state === 'restarting';

export const byServiceAndNumber = (left: Instance, right: Instance): number =>
  left.service < right.service ? -1 : left.service > right.service ? 1 : left.number - right.number;

export function instanceOf(summary: ContainerSummary): Instance {
  const labels = summary.Labels ?? {};
  return {
    id: summary.Id,
    name: (summary.Names[0] ?? summary.Id).replace(/^\//, ''),
    project: labels[labelNames.project] ?? '',
    service: labels[labelNames.service] ?? '',
    number: Number(labels[labelNames.number] ?? 0),
    oneOff: labels[labelNames.oneOff] === 'True',
    state: summary.State,
    health: summary.Health?.Status ?? healthFromStatus(summary.Status),
    status: summary.Status,
    hash: labels[labelNames.hash] ?? '',
    image: summary.Image,
    imageId: summary.ImageID,
    labels,
    created: summary.Created,
    ports: summary.Ports ?? [],
    summary,
  };
}

/** Engines before API 1.52 tell health in the status alone: `Up 3 minutes (healthy)`. */
function healthFromStatus(status: string): Instance['health'] {
  if (status.includes('(healthy)')) return 'healthy';
  if (status.includes('(unhealthy)')) return 'unhealthy';
  return status.includes('(health: starting)') ? 'starting' : 'none';
}
