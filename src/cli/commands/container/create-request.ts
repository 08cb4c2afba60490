import type { ContainerConfig, CreateRequest } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { parseDuration } from '../../../formats/duration.ts';
import { parseEnvFile } from '../../../formats/env-file.ts';
import { parseEnv, parseLabel } from '../../../formats/key-value.ts';
import { parseExposedPorts, parsePortSpecs } from '../../../formats/port-spec.ts';
import type { ParsedFlags } from '../../flags.ts';
import { readOptionFile } from '../../option-file.ts';
import { parseAttachStream } from './create-values.ts';
import { hostConfigOf } from './host-config.ts';
import { networksOf } from './network-option.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a `create` or `run` line asks for. */
export interface CreatePlan {
  readonly request: CreateRequest;
  readonly name: string | undefined;
  readonly platform: string | undefined;
  readonly attach: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
}

/**
 * The request for a container. Reads the files that the options name (environment, labels, seccomp profile).
 * @param detached nobody is attached when it starts.
 * @param consoleSize rows and columns of the user's terminal.
 * @throws invalid in Docker's words.
 */
export function planContainer(
  flags: ParsedFlags,
  args: readonly string[],
  env: Environment,
  options: { detached: boolean; consoleSize: readonly [number, number] | undefined },
): CreatePlan {
  const attach = attachedStreams(flags, options.detached);
  const { mode, endpoints } = networksOf(flags);
  const ports = parsePortSpecs(flags.list('publish'));
  const [image = '', ...command] = args;
  const config = { ...processConfig(flags, env), ...healthConfig(flags) };
  const volumes = anonymousVolumes(flags);
  const hostConfig = hostConfigOf(flags, mode, ports.PortBindings);
  const tty = flags.bool('tty');
  const request: CreateRequest = {
    ...config,
    Image: image,
    ...(command.length > 0 ? { Cmd: command } : {}),
    AttachStdin: attach.stdin,
    AttachStdout: attach.stdout,
    AttachStderr: attach.stderr,
    Tty: tty,
    OpenStdin: flags.bool('interactive'),
    StdinOnce: flags.bool('interactive') && attach.stdin,
    ExposedPorts: { ...ports.ExposedPorts, ...exposed(flags) },
    ...(Object.keys(volumes).length > 0 ? { Volumes: volumes } : {}),
    HostConfig: options.consoleSize && tty ? { ...hostConfig, ConsoleSize: [...options.consoleSize] } : hostConfig,
    ...(Object.keys(endpoints).length > 0 ? { NetworkingConfig: { EndpointsConfig: endpoints } } : {}),
  };
  return { request, name: flags.optional('name'), platform: flags.optional('platform'), attach };
}

function attachedStreams(flags: ParsedFlags, detached: boolean): CreatePlan['attach'] {
  const asked = flags.list('attach').map(parseAttachStream);
  if (detached) return { stdin: false, stdout: false, stderr: false };
  if (asked.length === 0) return { stdin: flags.bool('interactive'), stdout: true, stderr: true };
  return { stdin: asked.includes('stdin'), stdout: asked.includes('stdout'), stderr: asked.includes('stderr') };
}

function processConfig(flags: ParsedFlags, env: Environment): ContainerConfig {
  const lookup = (name: string) => env[name];
  const variables = [
    ...flags.list('env-file').flatMap((file) => parseEnvFile(readOptionFile(file), file, lookup)),
    ...flags.list('env').map((text) => parseEnv(text, lookup)),
  ];
  const labels = [
    ...flags.list('label-file').flatMap((file) => parseEnvFile(readOptionFile(file), file, () => '')),
    ...flags.list('label'),
  ].map(parseLabel);
  const config: ContainerConfig = {};
  if (variables.length > 0) config.Env = variables;
  if (labels.length > 0) config.Labels = Object.fromEntries(labels);
  // An empty entrypoint takes the image's away; the API writes that as one empty word.
  if (flags.given('entrypoint')) config.Entrypoint = [flags.string('entrypoint')];
  if (flags.given('user')) config.User = flags.string('user');
  if (flags.given('workdir')) config.WorkingDir = flags.string('workdir');
  if (flags.given('hostname')) config.Hostname = flags.string('hostname');
  if (flags.given('domainname')) config.Domainname = flags.string('domainname');
  if (flags.given('stop-signal')) config.StopSignal = flags.string('stop-signal');
  if (flags.given('stop-timeout')) config.StopTimeout = flags.int('stop-timeout');
  return config;
}

const healthOptions = [
  ...['health-cmd', 'health-interval', 'health-retries', 'health-start-interval', 'health-start-period'],
  'health-timeout',
];

function healthConfig(flags: ParsedFlags): Pick<ContainerConfig, 'Healthcheck'> {
  const given = healthOptions.some((option) => flags.given(option));
  if (flags.bool('no-healthcheck')) {
    if (given) throw invalid('--no-healthcheck conflicts with --health-* options');
    return { Healthcheck: { Test: ['NONE'] } };
  }
  if (!given) return {};
  if (flags.int('health-retries') < 0) throw invalid('--health-retries cannot be negative');
  const nanoseconds = (option: string): number => {
    const value = Number(parseDuration(flags.string(option) || '0'));
    if (value < 0) throw invalid(`--${option} cannot be negative`);
    return value;
  };
  return {
    Healthcheck: {
      ...(flags.given('health-cmd') ? { Test: ['CMD-SHELL', flags.string('health-cmd')] } : {}),
      Interval: nanoseconds('health-interval'),
      Timeout: nanoseconds('health-timeout'),
      StartPeriod: nanoseconds('health-start-period'),
      StartInterval: nanoseconds('health-start-interval'),
      Retries: flags.int('health-retries'),
    },
  };
}

function exposed(flags: ParsedFlags): Record<string, Record<string, never>> {
  return Object.fromEntries(
    flags
      .list('expose')
      .flatMap(parseExposedPorts)
      .map((port) => [port, {}]),
  );
}

/** `-v PATH`: a volume without a source is part of the container's configuration. */
function anonymousVolumes(flags: ParsedFlags): Record<string, Record<string, never>> {
  return Object.fromEntries(
    flags
      .list('volume')
      .filter((text) => !text.includes(':'))
      .map((text) => [text, {}]),
  );
}
