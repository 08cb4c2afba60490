import type { InfoResponse } from '../../../api/types/system.ts';
import { bytesSize } from '../../../formats/bytes.ts';

/** An undefined value leaves the line out. */
type Line = [name: string, value: string | typeof bare | undefined];
/** For a line that is an element of a list. */
const bare = Symbol('an element of a list');

/** The engine's half of `tug info`, in Docker's order; what an engine does not report is left out. */
export function describeServer(info: InfoResponse): string {
  const text = (key: string): string | undefined => {
    const value = info[key];
    return value === undefined || value === null || value === '' ? undefined : String(value);
  };
  const lines: Line[] = [
    ['Containers', text('Containers')],
    [' Running', text('ContainersRunning')],
    [' Paused', text('ContainersPaused')],
    [' Stopped', text('ContainersStopped')],
    ['Images', text('Images')],
    ['Server Version', text('ServerVersion')],
    ['Storage Driver', text('Driver')],
    ...pairs(info['DriverStatus']),
    ['Logging Driver', text('LoggingDriver')],
    ['Cgroup Driver', text('CgroupDriver')],
    ['Cgroup Version', text('CgroupVersion')],
    ...plugins(info['Plugins']),
    ['Runtimes', names(info['Runtimes'])],
    ['Default Runtime', text('DefaultRuntime')],
    ['Init Binary', text('InitBinary')],
    ...securityOptions(info['SecurityOptions']),
    ['Kernel Version', text('KernelVersion')],
    ['Operating System', text('OperatingSystem')],
    ['OSType', text('OSType')],
    ['Architecture', text('Architecture')],
    ['CPUs', text('NCPU')],
    ['Total Memory', typeof info['MemTotal'] === 'number' ? bytesSize(info['MemTotal']) : undefined],
    ['Name', text('Name')],
    ['ID', text('ID')],
    ['Docker Root Dir', text('DockerRootDir')],
    ['Debug Mode', text('Debug')],
    ...list('Labels', info['Labels']),
    ['Experimental', text('ExperimentalBuild')],
    ...list('Insecure Registries', registries(info['RegistryConfig'])),
    ['Live Restore Enabled', text('LiveRestoreEnabled')],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => (value === bare ? ` ${name}\n` : ` ${name}:${value === '' ? '' : ` ${value}`}\n`))
    .join('');
}

function pairs(value: unknown): Line[] {
  return Array.isArray(value) ? (value as [string, string][]).map(([name, text]) => [` ${name}`, text]) : [];
}

function plugins(value: unknown): Line[] {
  if (typeof value !== 'object' || value === null) return [];
  const kinds = Object.entries(value as Record<string, string[] | null>).filter(([, some]) => some && some.length > 0);
  return kinds.length === 0
    ? []
    : [['Plugins', ''], ...kinds.map(([kind, some]): Line => [` ${kind}`, some!.join(' ')])];
}

function names(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? Object.keys(value).toSorted().join(' ') : undefined;
}

function securityOptions(value: unknown): Line[] {
  if (!Array.isArray(value) || value.length === 0) return [];
  const lines = (value as string[]).flatMap((option): Line[] => {
    const [name = '', ...details] = option.split(',');
    return [
      [` ${name.replace(/^name=/, '')}`, bare],
      ...details.map((one): Line => [`  ${cap(one.split('=')[0])}`, one.split('=')[1] ?? '']),
    ];
  });
  return [['Security Options', ''], ...lines];
}

const cap = (text = ''): string => text.charAt(0).toUpperCase() + text.slice(1);

function list(name: string, value: unknown): Line[] {
  if (!Array.isArray(value) || value.length === 0) return [];
  return [[name, ''], ...(value as string[]).map((one): Line => [` ${one}`, bare])];
}

function registries(value: unknown): string[] {
  const config = value as { InsecureRegistryCIDRs?: string[] | null } | undefined;
  return config?.InsecureRegistryCIDRs ?? [];
}
