import { parentPort, workerData } from 'node:worker_threads';
import { errnoOf, messageOf } from '../base/errors.ts';
import { copyTree } from '../host/copy-tree.ts';
import { removeAt } from '../host/remove-at.ts';
import { sizeOfTree } from './tree-size.ts';

/** What is done to whole trees. Descriptors are of open folders, and stay the caller's. */
export type TreeJob =
  | { readonly kind: 'copy'; readonly source: number; readonly target: number }
  /** Removes these names, in latin1, of a folder. */
  | { readonly kind: 'remove'; readonly folder: number; readonly names: readonly string[] }
  | { readonly kind: 'size'; readonly folders: readonly string[] };

export type TreeAnswer =
  | { readonly sizes: number[] }
  | { readonly error: { readonly code: string | undefined; readonly message: string } };

/** Does it on this thread. Returns bytes for `size`, one number for each folder. @throws the system error. */
export function performTreeJob(job: TreeJob): number[] {
  if (job.kind === 'size') return job.folders.map(sizeOfTree);
  if (job.kind === 'copy') copyTree(job.source, job.target);
  else for (const name of job.names) removeAt(job.folder, Buffer.from(name, 'latin1'));
  return [];
}

function serve(port: NonNullable<typeof parentPort>): void {
  let answer: TreeAnswer;
  try {
    answer = { sizes: performTreeJob(workerData as TreeJob) };
  } catch (error) {
    answer = { error: { code: errnoOf(error), message: messageOf(error) } };
  }
  port.postMessage(answer);
}

if (parentPort && (workerData as { kind?: unknown } | null)?.kind !== undefined) serve(parentPort);
