import { isDeepStrictEqual } from 'node:util';
import type { MountRequest } from '../api/types/container.ts';
import { type ContainerChange, updatableLimits } from '../api/types/container-update.ts';
import type { Definition } from './update-definition.ts';

/** How many changes a container remembers. */
const most = 100;

/** The changes of a container with those from one definition to the next; the oldest are forgotten. */
export function recordChanges(
  known: readonly ContainerChange[],
  before: Definition,
  after: Definition,
): ContainerChange[] {
  const Time = new Date().toISOString();
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  const changes = [...names]
    .filter((name) => !isDeepStrictEqual(old[name], now[name]))
    .map((Field) => ({ Time, Field, Old: old[Field] ?? null, New: now[Field] ?? null }));
  return [...known, ...changes].slice(-most);
}

/** What updates change, each part under a name of its own. */
function fieldsOf({ config, host }: Definition): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const each = (prefix: string, parts: Readonly<Record<string, unknown>>): void => {
    for (const [name, value] of Object.entries(parts)) fields[`${prefix}.${name}`] = value;
  };
  for (const field of [...updatableLimits, 'RestartPolicy'] as const)
    if (host[field] !== undefined) fields[`HostConfig.${field}`] = host[field];
  each('HostConfig.PortBindings', host.PortBindings ?? {});
  each(
    'HostConfig.Mounts',
    Object.fromEntries((host.Mounts ?? []).map((mount: MountRequest) => [mount.Target, mount])),
  );
  each('HostConfig.Tmpfs', host.Tmpfs ?? {});
  fields['HostConfig.Binds'] = host.Binds;
  each('Config.Labels', config.Labels ?? {});
  each('Config.Env', Object.fromEntries((config.Env ?? []).map((entry) => entry.split(/=(.*)/s))));
  fields['Config.Cmd'] = config.Cmd;
  return fields;
}
