import type { ImageRunConfig } from '../api/oci/image.ts';
import type { ContainerConfig } from '../api/types/container.ts';
import { invalid } from '../base/errors.ts';
import { mergeHealthcheck } from './health-plan.ts';

/**
 * A container's configuration: the request's, completed from the image's as Docker does it. An entrypoint in
 * the request discards the image's command; environment, labels, ports and volumes are joined, the request's
 * winning.
 */
export function mergeConfig(request: ContainerConfig, image: ImageRunConfig): ContainerConfig {
  const ownEntrypoint = request.Entrypoint !== undefined && !isReset(request.Entrypoint);
  const reset = request.Entrypoint !== undefined && isReset(request.Entrypoint);
  const entrypoint = ownEntrypoint ? request.Entrypoint : reset ? undefined : (image.Entrypoint ?? undefined);
  const command = request.Cmd?.length ? request.Cmd : ownEntrypoint || reset ? undefined : (image.Cmd ?? undefined);
  return {
    ...request,
    Env: mergeEnvironment(image.Env ?? [], request.Env ?? []),
    Labels: { ...image.Labels, ...request.Labels },
    ExposedPorts: { ...image.ExposedPorts, ...request.ExposedPorts },
    Volumes: { ...(image.Volumes ?? {}), ...request.Volumes },
    User: request.User || image.User || '',
    WorkingDir: request.WorkingDir || image.WorkingDir || '',
    ...(entrypoint === undefined ? { Entrypoint: undefined } : { Entrypoint: [...entrypoint] }),
    ...(command === undefined ? { Cmd: undefined } : { Cmd: [...command] }),
    ...pick('StopSignal', request.StopSignal || image.StopSignal),
    ...pick('StopTimeout', request.StopTimeout ?? image.StopTimeout),
    ...pick('Healthcheck', mergeHealthcheck(request.Healthcheck, image.Healthcheck)),
    ...pick('Shell', request.Shell ?? image.Shell),
  };
}

/** Docker's client sends `[""]` for `--entrypoint ""`: none at all. */
const isReset = (entrypoint: readonly string[]): boolean => entrypoint.length === 1 && entrypoint[0] === '';

function pick<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined || value === '' ? {} : ({ [key]: value } as Record<K, V>);
}

/** `over` replaces variables of `base` in their places; a word without `=` in `over` takes the variable away. */
export function mergeEnvironment(base: readonly string[], over: readonly string[]): string[] {
  const result = new Map<string, string>();
  for (const entry of base) result.set(entry.split('=', 1)[0]!, entry);
  for (const entry of over) {
    const key = entry.split('=', 1)[0]!;
    if (key === '') throw invalid(`invalid environment variable: ${entry}`);
    if (entry.includes('=')) result.set(key, entry);
    else result.delete(key);
  }
  return [...result.values()];
}

/** The command line: entrypoint and command in one. @throws invalid when there is none. */
export function commandLine(config: ContainerConfig): [string, ...string[]] {
  const [first, ...rest] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (first === undefined) throw invalid('no command specified');
  return [first, ...rest];
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The environment of the container's process, with what Docker adds: PATH, HOSTNAME, TERM, HOME, and that of its links. */
export function processEnvironment(
  config: ContainerConfig,
  hostname: string,
  home: string,
  linked: readonly string[] = [],
): string[] {
  const added = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${hostname}`, ...(config.Tty ? ['TERM=xterm'] : []), ...linked];
  const merged = mergeEnvironment(added, config.Env ?? []);
  return merged.some((entry) => entry.startsWith('HOME=')) ? merged : [...merged, `HOME=${home}`];
}
