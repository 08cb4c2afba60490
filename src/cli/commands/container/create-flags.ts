import { parseEgress } from '../../../formats/egress-rule.ts';
import { parseEnv, parseLabel } from '../../../formats/key-value.ts';
import type { Flag } from '../../command.ts';
import { checkDuration } from '../../flag-checks.ts';
import {
  parseAddHost,
  parseAttachStream,
  parseDependency,
  parseIpAddress,
  parseLinkOption,
  parseSysctl,
  parseTmpfs,
} from './create-values.ts';
import { parseGpusOption } from './gpus-option.ts';
import { parseMountOption } from './mount-option.ts';
import { parseNetworkOption } from './network-option.ts';
import { refusedFlags } from './refused-flags.ts';
import { resourceFlags } from './resource-flags.ts';

const list = (long: string, description: string, extra: Partial<Flag> = {}): Flag => ({
  long,
  kind: 'list',
  description,
  ...extra,
});
const text = (long: string, description: string, extra: Partial<Flag> = {}): Flag => ({
  long,
  kind: 'string',
  description,
  ...extra,
});
const on = (long: string, description: string, extra: Partial<Flag> = {}): Flag => ({
  long,
  kind: 'bool',
  description,
  ...extra,
});

const identity: readonly Flag[] = [
  text('name', 'Name of the container'),
  list('label', 'Label of the container (KEY=VALUE)', { short: 'l', check: parseLabel }),
  list('label-file', 'File of labels, one a line'),
  { long: 'annotation', kind: 'list', value: 'map', description: 'Annotation for the OCI runtime (KEY=VALUE)' },
  text('cidfile', "Write the container's id to this file, which must not exist"),
  text('platform', 'Platform of the image (OS[/ARCH[/VARIANT]])'),
  text('pull', 'When to pull the image: "always", "missing" or "never"', { default: 'missing' }),
  on('quiet', "Do not show a pull's progress", { short: 'q' }),
];

const processFlags: readonly Flag[] = [
  list('attach', 'Attach to stdin, stdout or stderr', { short: 'a', check: parseAttachStream }),
  on('interactive', "Keep the process's stdin open", { short: 'i' }),
  on('tty', 'Give the process a terminal', { short: 't' }),
  text('entrypoint', "Program to run instead of the image's"),
  list('env', 'Environment variable (NAME=VALUE, or NAME to pass it on)', {
    short: 'e',
    check: (value) => parseEnv(value, () => undefined),
  }),
  list('env-file', 'File of environment variables, one a line'),
  text('user', 'User to run as (NAME|UID[:GROUP|GID])', { short: 'u' }),
  text('workdir', 'Working directory', { short: 'w' }),
  list('group-add', 'Additional group of the process'),
  on('init', 'Run a small init that forwards signals and reaps processes'),
  text('stop-signal', 'Signal that stops the container'),
  { long: 'stop-timeout', kind: 'int', description: 'Seconds between the stop signal and SIGKILL' },
  text('restart', 'What to do when it exits: no, on-failure[:N], always or unless-stopped', { default: 'no' }),
  on('restart-on-unhealthy', 'Restart it by its policy when it becomes unhealthy (tug only)'),
  list(
    'depends-on',
    'Container that is to run, or be healthy, before it when the engine starts (NAME[:healthy]; tug only)',
    {
      check: parseDependency,
    },
  ),
  list('egress', 'Where it may send to (allow=RANGE, deny=RANGE, first match; tug only)', {
    check: (value) => void parseEgress(value),
  }),
  on('rm', 'Remove the container and its anonymous volumes when it exits'),
];

const healthFlags: readonly Flag[] = [
  text('health-cmd', 'Command that tells whether it is healthy'),
  text('health-interval', 'Time between two checks', { value: 'duration', check: checkDuration }),
  { long: 'health-retries', kind: 'int', description: 'Failures in a row that make it unhealthy' },
  text('health-start-interval', 'Time between two checks while it starts', { value: 'duration', check: checkDuration }),
  text('health-start-period', 'Time in which failures do not count', { value: 'duration', check: checkDuration }),
  text('health-timeout', 'Time that a check may take', { value: 'duration', check: checkDuration }),
  on('no-healthcheck', "Turn off the image's health check"),
];

const networkFlags: readonly Flag[] = [
  { long: 'network', kind: 'list', value: 'network', description: 'Network to join', check: parseNetworkOption },
  { long: 'net', kind: 'list', description: '', aliasOf: 'network', check: parseNetworkOption },
  list('network-alias', 'Further name on its network'),
  { long: 'net-alias', kind: 'list', description: '', aliasOf: 'network-alias' },
  list('publish', 'Publish a port ([[IP:]HOST-PORT:]PORT[/PROTOCOL])', { short: 'p' }),
  on('publish-all', 'Publish every exposed port on a free port', { short: 'P' }),
  list('expose', 'Port or range of ports that the container listens on'),
  text('hostname', 'Host name', { short: 'h' }),
  text('domainname', 'NIS domain name'),
  list('add-host', 'Line for /etc/hosts (NAME:IP)', { check: parseAddHost }),
  list('dns', 'DNS server', { check: parseIpAddress }),
  list('dns-option', 'Option for the resolver'),
  { long: 'dns-opt', kind: 'list', description: '', aliasOf: 'dns-option' },
  list('dns-search', 'DNS search domain'),
  text('ip', 'IPv4 address on its network'),
  text('ip6', 'IPv6 address on its network'),
  list('link-local-ip', 'Link-local address on its network'),
  list('link', 'Link to another container (NAME[:ALIAS])', { check: parseLinkOption }),
  text('mac-address', 'MAC address on its network'),
];

const storageFlags: readonly Flag[] = [
  list('volume', 'Mount a host path or a volume (SOURCE:TARGET[:OPTIONS])', { short: 'v' }),
  text('volume-driver', 'Driver for volumes that have to be made'),
  list('volumes-from', "Mount another container's volumes"),
  {
    long: 'mount',
    kind: 'list',
    value: 'mount',
    description: 'Mount described field by field',
    check: parseMountOption,
  },
  list('tmpfs', 'Mount a tmpfs (PATH[:OPTIONS])', { check: parseTmpfs }),
  on('read-only', 'Mount the root file system read-only'),
  list('storage-opt', 'Option for the storage driver (KEY=VALUE)'),
];

const isolationFlags: readonly Flag[] = [
  on('privileged', 'Lift all restrictions'),
  list('cap-add', 'Capability to add'),
  list('cap-drop', 'Capability to drop'),
  list('security-opt', 'Security option'),
  {
    long: 'gpus',
    kind: 'list',
    value: 'gpu-request',
    description: "GPUs of the host ('all' for every one)",
    check: parseGpusOption,
  },
  text('ipc', 'IPC namespace'),
  text('pid', 'Process namespace'),
  text('uts', 'Host name namespace'),
  text('userns', 'User namespace'),
  text('cgroupns', 'Control group namespace (host or private)'),
  text('isolation', 'Isolation technology'),
  on('use-api-socket', "Give it the engine's socket and the user's logins at registries"),
  text('runtime', 'OCI runtime to use'),
  { long: 'sysctl', kind: 'list', value: 'map', description: 'Kernel parameter (NAME=VALUE)', check: parseSysctl },
  text('log-driver', "Driver for the container's log"),
  list('log-opt', 'Option for the log driver (KEY=VALUE)'),
];

/** The options of `create`; `run` adds its own. */
export const createFlags: readonly Flag[] = [
  ...identity,
  ...processFlags,
  ...healthFlags,
  ...networkFlags,
  ...storageFlags,
  ...isolationFlags,
  ...resourceFlags,
  ...refusedFlags,
];
