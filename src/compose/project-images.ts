import { isKind, messageOf, notFound } from '../base/errors.ts';
import { inspect } from '../client/calls/images.ts';
import type { Engine } from '../client/engine.ts';
import type { Project, ServiceModel } from '../formats/compose-file/model.ts';
import { imageOf } from './container-request.ts';
import { type ComposeDeps, during, named } from './deps.ts';
import { forEachLimited } from './graph.ts';

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

/**
 * Sees to it that the images of services are there: pulls and builds what is missing or asked for, several at a time.
 * @returns each service's image. @throws naming the service whose image cannot be had.
 */
export async function ensureImages(
  deps: ComposeDeps,
  project: Project,
  services: readonly string[],
  options: ImageOptions,
): Promise<Map<string, ImageFound>> {
  const byName = new Map<string, string[]>();
  for (const name of services) {
    const image = imageOf(project, name, project.services[name]!);
    byName.set(image, [...(byName.get(image) ?? []), name]);
  }
  const found = new Map<string, ImageFound>();
  await forEachLimited(
    [...byName],
    async ([image, users]) => {
      const before = await findImage(deps.engine, image);
      const builder = users.find((name) => project.services[name]!.build) ?? users[0]!;
      const service = project.services[builder]!;
      const action = imageAction(service, before, options);
      if (action !== 'keep')
        await fetchImage(
          options.quietPull ? { ...deps, report: () => {} } : deps,
          project,
          builder,
          image,
          action,
          before !== undefined,
        );
      const now = action === 'keep' ? before : await findImage(deps.engine, image);
      if (!now) throw notFound(`service "${builder}": No such image: ${image}`);
      for (const name of users) found.set(name, now);
    },
    { limit: deps.parallel, signal: deps.signal },
  );
  return found;
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
