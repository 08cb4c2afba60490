import type { HostConfig } from '../api/types/container.ts';
import type { ContainerMount } from './mount-requests.ts';

/**
 * Containers that do one piece of work for the engine itself, such as a step of a build: no record, no name, no events,
 * no monitor. They end with the engine; what one that was killed left is swept by `recover.ts` of the next.
 */
export interface WorkContainers {
  /**
   * Runs a command in a fresh writable layer over `layers` to its end. The layer stays, unmounted, under the request's
   * id, for the caller to adopt or to `discard`; everything else is given back, also when it throws.
   * @throws invalid when the command cannot be run (the runtime's words), cancelled when `signal` aborts: its processes
   * are killed then.
   */
  run(request: WorkRequest, output: WorkOutput, signal: AbortSignal): Promise<WorkEnd>;
  /** Removes the layer of one that has ended. Idempotent. */
  discard(id: string): Promise<void>;
  /** What the engine mounts into a container, whatever the image has there. */
  readonly places: ReadonlySet<string>;
}

export interface WorkRequest {
  /** Of no other container. */
  readonly id: string;
  /** Chain-ids, bottom first. */
  readonly layers: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly hostname: string;
  /** Network, limits and security. */
  readonly host: HostConfig;
  readonly mounts: readonly ContainerMount[];
}

/** Takes what the command writes, as it comes; the command waits while a promise is open. */
export type WorkOutput = (stream: 'stdout' | 'stderr', chunk: Buffer) => Promise<void> | undefined;

export interface WorkEnd {
  /** 128 + n for a signal. */
  readonly code: number;
  /** True when it failed, and the kernel killed a process of it that came upon the limit of memory (`Memory`). */
  readonly oomKilled: boolean;
}
