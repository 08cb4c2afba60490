import type { Runtime } from '../contract.ts';
import { createSeccompCache } from './crun-seccomp.ts';
import { startWaiting } from './crun-start.ts';
import { removeEndedState } from './crun-state.ts';
import { createOciRuntime } from './oci-command-line.ts';

export interface CrunOptions {
  /** The binary's absolute path. */
  readonly path: string;
  /** One that runs containers and execs in its place: it needs no systemd. */
  readonly runs?: string;
  /** Where it keeps what it knows of this engine's containers. On a tmpfs, below the exec root. */
  readonly root: string;
  readonly cgroupManager: 'cgroupfs' | 'systemd';
  /** See Runtime.limit. */
  readonly limit?: number;
}

/** crun. */
export function createCrun(options: CrunOptions): Runtime {
  const globalArgs = ['--root', options.root, `--cgroup-manager=${options.cgroupManager}`];
  const runtime = createOciRuntime({ ...options, name: 'crun', globalArgs });
  return {
    ...runtime,
    execStays: true,
    prepare: createSeccompCache(),
    async start(id) {
      if (!startWaiting(options.root, id)) await runtime.start(id);
    },
    async delete(id, force) {
      if (!removeEndedState(options.root, id)) await runtime.delete(id, force);
    },
  };
}
