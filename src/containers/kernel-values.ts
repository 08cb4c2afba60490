import type { ContainerConfig, HostConfig } from '../api/types/container.ts';
import { invalid } from '../base/errors.ts';

/** What `__NEW_UTS_LEN` leaves for a host or domain name (uname(2)). */
const utsLength = 64;
/** `PATH_MAX` without the NUL (limits.h). */
const pathLength = 4095;

/** Settings that a container has of its own; any other would change the host (namespaces(7), ipc_namespaces(7)). */
const namespacedSettings =
  /^(net\..+|fs\.mqueue\..+|kernel\.(domainname|hostname|msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced))$/;

/**
 * Refuses at create what the kernel would refuse at start: names and paths beyond its limits, settings that are
 * not a container's own. @throws invalid, naming the value.
 */
export function checkKernelValues(config: ContainerConfig, host: HostConfig): void {
  if (Buffer.byteLength(config.Hostname ?? '') > utsLength - 1)
    throw invalid(`invalid hostname: ${quoted(config.Hostname)}: at most ${utsLength - 1} bytes`);
  if (Buffer.byteLength(config.Domainname ?? '') > utsLength)
    throw invalid(`invalid domainname: ${quoted(config.Domainname)}: at most ${utsLength} bytes`);
  for (const [field, paths] of [
    ['MaskedPaths', host.MaskedPaths],
    ['ReadonlyPaths', host.ReadonlyPaths],
  ] as const) {
    for (const path of paths ?? []) {
      if (!path.startsWith('/')) throw invalid(`invalid path in ${field}: ${quoted(path)} is not absolute`);
      checkPathLength(field, path);
    }
  }
  checkPathLength('WorkingDir', config.WorkingDir ?? '');
  for (const name of Object.keys(host.Sysctls ?? {})) checkSetting(name, host);
}

function checkPathLength(field: string, path: string): void {
  const longest = Math.max(...path.split('/').map((part) => Buffer.byteLength(part)));
  if (Buffer.byteLength(path) > pathLength || longest > 255)
    throw invalid(`invalid path in ${field}: ${quoted(path)}: at most ${pathLength} bytes, and 255 between slashes`);
}

function checkSetting(name: string, host: HostConfig): void {
  if (!namespacedSettings.test(name))
    throw invalid(`sysctl ${quoted(name)} is not in a separate kernel namespace: it would change the host`);
  if (name.startsWith('net.') && host.NetworkMode === 'host')
    throw invalid(`sysctl ${quoted(name)} is not allowed in the host's network namespace`);
  if (/^(kernel|fs)\./.test(name) && !/^kernel\.(domain|host)name$/.test(name) && host.IpcMode === 'host')
    throw invalid(`sysctl ${quoted(name)} is not allowed in the host's IPC namespace`);
}

const quoted = (text = ''): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
