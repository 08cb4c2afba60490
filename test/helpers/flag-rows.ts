import { existsSync, readlinkSync } from 'node:fs';
import type { FlagRow, Observed } from './flag-effects.ts';
import { resourceRows } from './flag-rows-resources.ts';

/** Files that the rows name: made by the test. */
export interface FlagFiles {
  readonly folder: string;
  readonly labels: string;
  readonly environment: string;
}

const own = (kind: string) => (container: Observed) =>
  container.link(`ns/${kind}`) === readlinkSync(`/proc/self/ns/${kind}`);
const variable = (name: string) => (container: Observed) =>
  container
    .proc('environ')
    .split('\0')
    .find((line) => line.startsWith(`${name}=`));
const label = (name: string) => (container: Observed) =>
  (container.inspect.Config['Labels'] as Record<string, string>)[name];
const line = (file: string, pattern: RegExp) => (container: Observed) => pattern.test(container.inside(file));
const health = (container: Observed) => container.inspect.State.Health;
const notBuilt = (what: string) => new RegExp(`^125 .*${what}.*: not available in this version of tug`);
const onUserNetworks = /^125 .*user.defined networks/s;

/** Of the name, the process, the health check and the network. */
const firstRows = (files: FlagFiles): readonly FlagRow[] => [
  { flag: 'name', args: ['--name', 'flagged'], saw: ({ inspect }) => inspect.Name, is: '/flagged' },
  { flag: 'label', args: ['--label', 'one=1'], saw: label('one'), is: '1' },
  { flag: 'label-file', args: ['--label-file', files.labels], saw: label('filed'), is: 'a b' },
  {
    flag: 'annotation',
    args: ['--annotation', 'tug.test=x y'],
    saw: ({ spec }) => spec.annotations?.['tug.test'],
    is: 'x y',
  },
  { flag: 'cidfile', test: 'run.test.ts: prints the id with -d, keeps the name, and writes the id file once' },
  { flag: 'platform', test: 'platform.test.ts: take the image for it, and it is pulled where it is not here' },
  { flag: 'pull', args: ['--pull', 'never', 'nosuch:1'], says: /^125 .*No such image: nosuch:1$/m },
  { flag: 'quiet', args: ['--quiet', 'registry.invalid/nosuch'], says: /^125 (?!Unable to find image)/ },
  { flag: 'attach', args: ['--attach', 'stderr', 'busybox', 'sh', '-c', 'echo out; echo err >&2'], says: /^0 err$/ },
  { flag: 'interactive', args: ['--interactive'], saw: ({ link }) => link('fd/0') === '/dev/null', is: false },
  {
    flag: 'entrypoint',
    args: ['--entrypoint', '/bin/sleep'],
    saw: ({ spec }) => spec.process.args.at(-2),
    is: '/bin/sleep',
  },
  { flag: 'env', args: ['--env', 'GIVEN=1=2'], saw: variable('GIVEN'), is: 'GIVEN=1=2' },
  { flag: 'env-file', args: ['--env-file', files.environment], saw: variable('FILED'), is: 'FILED=c d' },
  {
    flag: 'user',
    args: ['--user', '12:34'],
    saw: ({ status }) => [status('Uid'), status('Gid')],
    is: ['12\t12\t12\t12', '34\t34\t34\t34'],
  },
  {
    flag: 'workdir',
    args: ['--workdir', '/made/here'],
    saw: ({ link }) => link('cwd').endsWith('/made/here'),
    is: true,
  },
  {
    flag: 'group-add',
    args: ['--group-add', '77'],
    saw: ({ status }) => status('Groups').split(' ').includes('77'),
    is: true,
  },
  { flag: 'init', args: ['--init'], saw: ({ proc }) => proc('comm'), is: 'docker-init\n' },
  {
    flag: 'stop-signal',
    test: 'life.test.ts: ends by stop with the signal it heeds, or is killed when the time is over',
  },
  { flag: 'stop-timeout', test: 'flag-effects.test.ts: --stop-timeout is the time that a stop waits' },
  { flag: 'restart', test: 'restart.test.ts: restarts with a wait that doubles, shows so, and stands by its limit' },
  {
    flag: 'restart-on-unhealthy',
    test: 'health.test.ts: restarts a container that becomes unhealthy as its policy allows, and lets it run then',
  },
  {
    flag: 'depends-on',
    test: 'boot-order.test.ts: come up with the engine in their order, after a start or after health',
  },
  { flag: 'rm', test: 'life.test.ts: has ended with 137, and one of --rm is gone' },
  {
    flag: 'health-cmd',
    args: ['--health-cmd', 'exit 7'],
    saw: (container) => health(container)?.Log[0]?.ExitCode,
    is: 7,
  },
  {
    flag: 'health-start-period',
    args: ['--health-start-period', '1h'],
    saw: (container) => health(container)?.FailingStreak,
    is: 0,
  },
  // the interval is 30 seconds, and 5 in the start period
  { flag: 'health-start-interval', args: ['--health-start-interval', '100ms'], saw: checkedSoon, is: true },
  {
    flag: 'health-interval',
    test: 'health.test.ts: goes from starting to unhealthy to healthy, in ps, its filters, inspect and events',
  },
  {
    flag: 'health-retries',
    test: 'health.test.ts: goes from starting to unhealthy to healthy, in ps, its filters, inspect and events',
  },
  {
    flag: 'health-timeout',
    test: 'health.test.ts: kill a probe that takes too long, with its children, also one that a killed engine left',
  },
  { flag: 'no-healthcheck', test: 'health.test.ts: come from the image, and can be changed or left out' },
  { flag: 'publish', test: 'network.test.ts: publish ports on all addresses, on one, and on a free one' },
  {
    flag: 'egress',
    test: 'publish.test.ts: may be kept from sending to elsewhere, as long as it runs and after the engine was killed',
  },
  { flag: 'publish-all', args: ['--publish-all'], saw: published, is: ['7070/tcp'] },
  { flag: 'expose', args: ['--expose', '7070'], saw: published, is: ['7070/tcp'] },
  { flag: 'hostname', args: ['--hostname', 'called'], saw: ({ inside }) => inside('/etc/hostname'), is: 'called\n' },
  {
    flag: 'domainname',
    args: ['--domainname', 'example.org'],
    saw: ({ spec }) => spec.linux.sysctl?.['kernel.domainname'],
    is: 'example.org',
  },
  {
    flag: 'add-host',
    args: ['--add-host', 'far:192.0.2.7'],
    saw: line('/etc/hosts', /^192\.0\.2\.7\s+far$/m),
    is: true,
  },
  {
    flag: 'dns',
    args: ['--dns', '192.0.2.53'],
    saw: line('/etc/resolv.conf', /^nameserver 192\.0\.2\.53$/m),
    is: true,
  },
  {
    flag: 'dns-option',
    args: ['--dns-option', 'ndots:7'],
    saw: line('/etc/resolv.conf', /^options ndots:7$/m),
    is: true,
  },
  {
    flag: 'dns-search',
    args: ['--dns-search', 'example.net'],
    saw: line('/etc/resolv.conf', /^search example\.net$/m),
    is: true,
  },
  {
    flag: 'mac-address',
    args: ['--mac-address', '02:42:ac:11:00:77'],
    saw: ({ inspect }) => inspect.NetworkSettings.Networks['bridge']?.MacAddress,
    is: '02:42:ac:11:00:77',
  },
  { flag: 'network-alias', args: ['--network-alias', 'other', 'busybox'], says: onUserNetworks },
  { flag: 'ip', args: ['--ip', '192.0.2.9', 'busybox'], says: onUserNetworks },
  { flag: 'ip6', args: ['--ip6', '2001:db8::9', 'busybox'], says: onUserNetworks },
  { flag: 'link-local-ip', args: ['--link-local-ip', '169.254.9.9', 'busybox'], says: onUserNetworks },
  { flag: 'link', test: 'links.test.ts: names the other in /etc/hosts and in the environment' },
];

/** Of storage, privileges and the log. */
const secondRows = (files: FlagFiles): readonly FlagRow[] => [
  {
    flag: 'volume',
    args: ['--volume', `${files.folder}:/bound`],
    saw: ({ mount }) => /^rw/.test(mount('/bound')),
    is: true,
  },
  {
    flag: 'mount',
    args: ['--mount', `type=bind,source=${files.folder},target=/mounted,readonly`],
    saw: ({ mount }) => /^ro/.test(mount('/mounted')),
    is: true,
  },
  {
    flag: 'tmpfs',
    args: ['--tmpfs', '/quick:size=64k'],
    saw: ({ mount }) => /size=64k/.test(mount('/quick')),
    is: true,
  },
  { flag: 'read-only', args: ['--read-only'], saw: ({ mount }) => mount('/').split(/[ ,]/)[0], is: 'ro' },
  { flag: 'volume-driver', args: ['--volume-driver', 'nosuch', '-v', 'made:/x', 'busybox'], says: /^125 .*nosuch/s },
  { flag: 'volumes-from', test: 'volume-mounts.test.ts: come from other containers' },
  { flag: 'storage-opt', args: ['--storage-opt', 'size=1g', 'busybox'], says: notBuilt('--storage-opt') },
  { flag: 'cap-add', args: ['--cap-add', 'net_admin'], saw: holds('CAP_NET_ADMIN'), is: true },
  { flag: 'cap-drop', args: ['--cap-drop', 'chown'], saw: holds('CAP_CHOWN'), is: false },
  {
    flag: 'security-opt',
    args: ['--security-opt', 'no-new-privileges'],
    saw: ({ status }) => status('NoNewPrivs'),
    is: '1',
  },
  { flag: 'gpus', args: ['--gpus', 'all', 'busybox'], says: notBuilt('--gpus') },
  {
    flag: 'sysctl',
    args: ['--sysctl', 'kernel.msgmax=4242'],
    saw: ({ spec }) => spec.linux.sysctl?.['kernel.msgmax'],
    is: '4242',
  },
  { flag: 'isolation', args: ['--isolation', 'hyperv', 'busybox'], says: /^125 .*invalid isolation 'hyperv'/s },
  { flag: 'userns', args: ['--userns', 'nosuch', 'busybox'], says: /^125 .*user/is },
  {
    flag: 'use-api-socket',
    args: ['--use-api-socket'],
    saw: ({ mount }) => mount('/var/run/docker.sock') !== '',
    is: true,
  },
  {
    flag: 'disable-content-trust',
    test: 'refused-flags.test.ts: that cannot be honoured are refused with a sentence, and nothing is made',
  },
  { flag: 'log-driver', test: 'logs.test.ts: refuses containers that are not there, and logs that are not kept' },
  { flag: 'log-opt', args: ['--log-opt', 'max-size=77k'], saw: logOption, is: '77k' },
];

/** In a container of their own, since they exclude others. */
export const sharedRows: readonly FlagRow[] = [
  { flag: 'privileged', args: ['--privileged'], saw: ({ status }) => status('Seccomp'), is: '0' },
  { flag: 'tty', args: ['--tty'], saw: ({ link }) => link('fd/0').startsWith('/dev/pts/'), is: true },
  { flag: 'network', args: ['--network', 'host'], saw: own('net'), is: true },
  { flag: 'ipc', args: ['--ipc', 'host'], saw: own('ipc'), is: true },
  { flag: 'pid', args: ['--pid', 'host'], saw: own('pid'), is: true },
  { flag: 'uts', args: ['--uts', 'host'], saw: own('uts'), is: true },
  { flag: 'cgroupns', args: cgroupns(), saw: own('cgroup'), is: cgroupns()[1] === 'host' },
  { flag: 'runtime', args: ['--runtime', 'runc'], saw: monitorNames('runc'), is: true },
];

export const rowsOf = (files: FlagFiles): readonly FlagRow[] => [
  ...firstRows(files),
  ...secondRows(files),
  ...resourceRows(),
];

/** The other one than the default, which is a private one on cgroup v2 alone. */
function cgroupns(): readonly string[] {
  return ['--cgroupns', existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'host' : 'private'];
}

function published({ inspect }: Observed): string[] {
  const ports = inspect.NetworkSettings['Ports'] as Record<string, unknown[] | null>;
  return Object.keys(ports).filter((port) => ports[port]?.length);
}

function checkedSoon(container: Observed): boolean {
  const first = health(container)?.Log[0]?.Start;
  return first !== undefined && Date.parse(first) - Date.parse(container.inspect.State.StartedAt) < 4000;
}

function holds(capability: string): (container: Observed) => boolean {
  return ({ spec }) => spec.process.capabilities.bounding.includes(capability);
}

function logOption({ inspect }: Observed): string | undefined {
  return (inspect.HostConfig['LogConfig'] as { Config: Record<string, string> }).Config['max-size'];
}

/** The monitor's command line names the runtime. */
function monitorNames(runtime: string): (container: Observed) => boolean {
  return ({ monitor }) => monitor.split('\0').some((word) => word.endsWith(`/${runtime}`));
}
