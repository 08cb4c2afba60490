import { invalid, isKind, messageOf, notFound } from '../base/errors.ts';
import { inspect } from '../client/calls/images.ts';
import type { Engine } from '../client/engine.ts';
import { buildBases } from '../formats/compose-file/build-shape.ts';
import type { Project, ServiceModel } from '../formats/compose-file/model.ts';
import { imageOf } from './container-request.ts';
import { type ComposeDeps, during, named } from './deps.ts';
import { inOrder } from './graph.ts';

export type PullPolicy = 'always' | 'missing' | 'never' | 'policy';

export interface ImageOptions {
  /** `--pull`; `policy` leaves it to each service. */
  readonly pull: PullPolicy;
  /** `--build`. */
  readonly build: boolean;
  /** `--no-build`. */
  readonly noBuild: boolean;
  /** Nothing is told of pulls. */
  readonly quietPull?: boolean;
}

export interface ImageFound {
  readonly id: string;
  readonly volumes: readonly string[];
  /** Milliseconds since it was pulled, built or named last. */
  readonly age: number;
}

/** An image by name, or undefined. */
export async function findImage(engine: Engine, name: string): Promise<ImageFound | undefined> {
  try {
    const { Id, Config, Metadata } = await inspect(engine, name);
    const named = Date.parse(Metadata?.LastTagTime ?? '');
    return { id: Id, volumes: Object.keys(Config?.Volumes ?? {}), age: Number.isNaN(named) ? 0 : Date.now() - named };
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

const day = 24 * 3600_000;

/** Milliseconds after which a policy such as `daily` or `every_12h` wants an image pulled again. */
function longestAge(policy: string): number {
  if (policy === 'daily') return day;
  if (policy === 'weekly') return 7 * day;
  if (!policy.startsWith('every_')) return Number.POSITIVE_INFINITY;
  const units: Readonly<Record<string, number>> = { w: 7 * day, d: day, h: 3600_000, m: 60_000, s: 1000 };
  const parts = [...policy.matchAll(/(\d+)([wdhms])/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
}

/** What is to be done for a service's image before its containers are made. */
export type ImageAction = 'keep' | 'pull' | 'build';

export function imageAction(service: ServiceModel, found: ImageFound | undefined, options: ImageOptions): ImageAction {
  const given = options.pull === 'policy' ? (service.pull_policy ?? 'missing') : options.pull;
  const policy = found && found.age > longestAge(given) ? 'always' : given;
  if (service.build && !options.noBuild && (options.build || policy === 'build' || !found)) return 'build';
  if (service.build && policy !== 'always') return 'keep';
  if (policy === 'always') return 'pull';
  if (found || policy === 'never') return 'keep';
  return 'pull';
}

/** An image, and what is to be done for it. */
interface ImageJob {
  readonly image: string;
  /** The services that use it, and the one that says how it is had. */
  readonly users: string[];
  readonly service: string;
  readonly before: ImageFound | undefined;
  readonly action: ImageAction;
  /** The images it is built from. */
  readonly needs: readonly string[];
}

/**
 * Sees to it that the images of services are there: pulls and builds what is missing or asked for, several at a time,
 * and before a build what it is built from.
 * @returns each service's image. @throws naming the service whose image cannot be had.
 */
export async function ensureImages(
  deps: ComposeDeps,
  project: Project,
  services: readonly string[],
  options: ImageOptions,
): Promise<Map<string, ImageFound>> {
  const jobs = await imageJobs(deps.engine, project, services, options);
  const found = new Map<string, ImageFound>();
  const shown = options.quietPull ? { ...deps, report: () => {} } : deps;
  await inOrder(
    [...jobs.keys()],
    (image) => jobs.get(image)!.needs,
    async (image) => {
      const { users, service, action, before } = jobs.get(image)!;
      if (action !== 'keep') await fetchImage(shown, project, service, image, action, before !== undefined);
      const now = action === 'keep' ? before : await findImage(deps.engine, image);
      if (!now) throw notFound(`service "${service}": No such image: ${image}`);
      for (const name of users) found.set(name, now);
    },
    { limit: deps.parallel, signal: deps.signal },
  );
  return found;
}

/** By the images' names. */
async function imageJobs(
  engine: Engine,
  project: Project,
  services: readonly string[],
  options: ImageOptions,
): Promise<Map<string, ImageJob>> {
  const jobs = new Map<string, ImageJob>();
  const seen = new Set<string>();
  for (let wave = services; wave.length > 0; ) {
    const users = Map.groupBy(wave, (name) => imageOf(project, name, project.services[name]!));
    for (const name of wave) seen.add(name);
    const found = await Promise.all(
      [...users].map(async ([image, names]) => await imageJob(engine, project, image, names, options)),
    );
    for (const job of found)
      if (jobs.has(job.image)) jobs.get(job.image)!.users.push(...job.users);
      else jobs.set(job.image, job);
    const bases = found.flatMap(({ action, service }) => (action === 'build' ? basesOf(project, service) : []));
    wave = [...new Set(bases)].filter((name) => !seen.has(name));
  }
  return jobs;
}

async function imageJob(
  engine: Engine,
  project: Project,
  image: string,
  users: string[],
  options: ImageOptions,
): Promise<ImageJob> {
  const before = await findImage(engine, image);
  const service = users.find((name) => project.services[name]!.build) ?? users[0]!;
  const action = imageAction(project.services[service]!, before, options);
  const bases = action === 'build' ? basesOf(project, service) : [];
  const needs = bases.map((name) => imageOf(project, name, project.services[name]!)).filter((one) => one !== image);
  return { image, users, service, before, action, needs };
}

/** @throws invalid for a service that is built from one whose profile is off. */
export function basesOf(project: Project, service: string): string[] {
  const bases = buildBases(project.services[service]!);
  const off = bases.find((name) => !(name in project.services));
  if (off !== undefined) throw invalid(`service "${service}" is built from service "${off}", which is not on`);
  return bases;
}

async function fetchImage(
  deps: ComposeDeps,
  project: Project,
  serviceName: string,
  image: string,
  action: 'pull' | 'build',
  isThere: boolean,
): Promise<void> {
  const service = project.services[serviceName]!;
  if (action === 'build') {
    const request = { service: serviceName, image, model: service, project, quiet: true };
    await during(deps.report, { kind: 'Image', name: image }, ['Building', 'Built'], () => deps.build(request));
    return;
  }
  try {
    await during(deps.report, { kind: 'Image', name: image }, ['Pulling', 'Pulled'], () =>
      deps.pull(image, service.platform),
    );
  } catch (error) {
    // what is there is good enough where only a newer one was looked for, and where it can be built
    if (!isThere || service.pull_policy === 'always') throw named(error, serviceName);
    deps.warn(`${image}: ${messageOf(error)}; the image that is there is used`);
  }
}
