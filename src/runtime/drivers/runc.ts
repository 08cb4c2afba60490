import type { Runtime } from '../contract.ts';
import { createOciRuntime } from './oci-command-line.ts';

export interface RuncOptions {
  /** The binary's absolute path. */
  readonly path: string;
  /** Where it keeps what it knows of this engine's containers. On a tmpfs, below the exec root. */
  readonly root: string;
  readonly cgroupManager: 'cgroupfs' | 'systemd';
  /** See Runtime.limit. */
  readonly limit?: number;
  /** The name containers ask for; `runc` without it. For another binary with runc's command line. */
  readonly name?: string;
}

/** runc, and any other binary that takes its command line. */
export function createRunc(options: RuncOptions): Runtime {
  const globalArgs = ['--root', options.root, ...(options.cgroupManager === 'systemd' ? ['--systemd-cgroup'] : [])];
  return createOciRuntime({ ...options, name: options.name ?? 'runc', globalArgs });
}
