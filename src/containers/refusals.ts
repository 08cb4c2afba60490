import type { CreateRequest, HostConfig } from '../api/types/container.ts';
import { invalid, unsupported } from '../base/errors.ts';
import { sharedWith } from './shared-namespaces.ts';

/**
 * What this tug knows of Docker's API and does not do yet. A request that asks for any of it is refused
 * before anything is made; one that sends the field empty, as clients do, is not. An issue that builds one
 * of these takes its line out.
 */
const notBuilt: readonly { what: string; asked: (host: HostConfig, request: CreateRequest) => boolean }[] = [
  { what: 'storage options of one container (--storage-opt)', asked: (host) => someKeys(host.StorageOpt) },
  { what: 'device requests (--gpus)', asked: (host) => some(host.DeviceRequests) },
  { what: 'a control group of another container', asked: (host) => (host.Cgroup ?? '') !== '' },
  { what: 'a limit on kernel memory', asked: (host) => (host.KernelMemory ?? 0) !== 0 },
  { what: 'a limit on kernel TCP memory', asked: (host) => (host.KernelMemoryTCP ?? 0) !== 0 },
  { what: 'containers with networking disabled', asked: (_, request) => request.NetworkDisabled ?? false },
];

/** @throws unsupported, naming what was asked for and is not built; invalid for values that exist on no Linux engine. */
export function refuseUnbuilt(request: CreateRequest): void {
  const host = request.HostConfig ?? {};
  for (const { what, asked } of notBuilt) {
    if (asked(host, request)) throw unsupported(`${what}: not available in this version of tug`, { code: 'not-built' });
  }
  for (const field of ['CpuCount', 'CpuPercent', 'IOMaximumIOps', 'IOMaximumBandwidth'] as const) {
    if (host[field]) throw invalid(`invalid option: ${field} is for containers of Windows`);
  }
  if (!['', 'default'].includes(host.Isolation ?? ''))
    throw invalid(`invalid isolation '${host.Isolation}': on Linux only 'default' is there`);
  for (const [field, value, allowed] of [
    ['PidMode', host.PidMode, ['', 'host', 'private']],
    ['IpcMode', host.IpcMode, ['', 'host', 'private', 'none', 'shareable']],
    ['UTSMode', host.UTSMode, ['', 'host', 'private']],
    ['CgroupnsMode', host.CgroupnsMode, ['', 'host', 'private']],
  ] as const) {
    const shared = /^(Pid|Ipc)Mode$/.test(field) && sharedWith(value) !== undefined;
    if (!shared && !(allowed as readonly string[]).includes(value ?? '')) throw invalid(`invalid ${field}: ${value}`);
  }
}

const some = (list: readonly unknown[] | undefined): boolean => (list?.length ?? 0) > 0;
const someKeys = (map: object | undefined): boolean => Object.keys(map ?? {}).length > 0;
