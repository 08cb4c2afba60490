import type { ContainerConfig, HostConfig } from '../api/types/container.ts';
import type { HealthModel, ServiceModel } from '../formats/compose-file/model.ts';
import { parseDuration } from '../formats/duration.ts';
import { parseExposedPorts } from '../formats/port-spec.ts';

/** Nanoseconds of a duration in its long form. */
const nanoseconds = (text: string): number => Number(parseDuration(text));

/** Whole seconds, rounded up. */
export const secondsOf = (text: string): number => Math.ceil(nanoseconds(text) / 1e9);

/** What of a service is a container's `Config`, without image, labels and network. */
export function containerConfig(service: ServiceModel): ContainerConfig {
  const config: ContainerConfig = {
    Tty: service.tty ?? false,
    OpenStdin: service.stdin_open ?? false,
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Env: environmentList(service.environment),
  };
  if (service.command) config.Cmd = [...service.command];
  // An empty entrypoint takes the image's away; the API writes that as one empty word.
  if (service.entrypoint) config.Entrypoint = service.entrypoint.length === 0 ? [''] : [...service.entrypoint];
  if (service.hostname !== undefined) config.Hostname = service.hostname;
  if (service.domainname !== undefined) config.Domainname = service.domainname;
  if (service.user !== undefined) config.User = service.user;
  if (service.working_dir !== undefined) config.WorkingDir = service.working_dir;
  if (service.stop_signal !== undefined) config.StopSignal = service.stop_signal;
  if (service.stop_grace_period !== undefined) config.StopTimeout = secondsOf(service.stop_grace_period);
  const exposed = exposedPorts(service);
  if (Object.keys(exposed).length > 0) config.ExposedPorts = exposed;
  if (service.healthcheck) config.Healthcheck = healthConfig(service.healthcheck);
  return config;
}

export const environmentList = (environment: ServiceModel['environment']): string[] =>
  Object.entries(environment ?? {}).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));

function healthConfig(health: HealthModel): NonNullable<ContainerConfig['Healthcheck']> {
  if (health.disable) return { Test: ['NONE'] };
  const fields: NonNullable<ContainerConfig['Healthcheck']> = {};
  if (health.test) fields.Test = [...health.test];
  if (health.interval !== undefined) fields.Interval = nanoseconds(health.interval);
  if (health.timeout !== undefined) fields.Timeout = nanoseconds(health.timeout);
  if (health.start_period !== undefined) fields.StartPeriod = nanoseconds(health.start_period);
  if (health.start_interval !== undefined) fields.StartInterval = nanoseconds(health.start_interval);
  if (health.retries !== undefined) fields.Retries = health.retries;
  return fields;
}

function exposedPorts(service: ServiceModel): Record<string, Record<string, never>> {
  const exposed = (service.expose ?? []).flatMap(parseExposedPorts);
  const published = (service.ports ?? []).map(({ target, protocol }) => `${target}/${protocol}`);
  return Object.fromEntries([...exposed, ...published].map((port) => [port, {}]));
}

export function portBindings(service: ServiceModel): NonNullable<HostConfig['PortBindings']> {
  const bindings: NonNullable<HostConfig['PortBindings']> = {};
  for (const { target, protocol, host_ip, published } of service.ports ?? []) {
    const port = `${target}/${protocol}`;
    bindings[port] = [...(bindings[port] ?? []), { HostIp: host_ip ?? '', HostPort: published ?? '' }];
  }
  return bindings;
}
