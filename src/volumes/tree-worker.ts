import { parentPort, workerData } from 'node:worker_threads';
import { errnoOf, messageOf } from '../base/errors.ts';
import { copyTree, copyTreePart, finishParts, type TreePart } from '../host/copy-tree.ts';
import { removeAt } from '../host/remove-at.ts';
import { sizeOfTree } from './tree-size.ts';

/** What is done to whole trees. Descriptors are of open folders, and stay the caller's. */
export type TreeJob =
  | { readonly kind: 'copy'; readonly source: number; readonly target: number }
  | { readonly kind: 'part'; readonly source: number; readonly target: number; readonly part: TreePart }
  | { readonly kind: 'finish'; readonly source: number; readonly target: number; readonly left: readonly string[] }
  /** Removes these names, in latin1, of a folder. */
  | { readonly kind: 'remove'; readonly folder: number; readonly names: readonly string[] }
  | { readonly kind: 'size'; readonly folders: readonly string[] };

export interface TreeResult {
  /** Bytes, a number for each folder of `size`. */
  readonly sizes: readonly number[];
  /** What a part leaves to `finish`. */
  readonly left: readonly string[];
}

export type TreeAnswer =
  | { readonly result: TreeResult }
  | { readonly error: { readonly code: string | undefined; readonly message: string } };

/** Does it on this thread. @throws the system error. */
export function performTreeJob(job: TreeJob): TreeResult {
  const nothing: TreeResult = { sizes: [], left: [] };
  switch (job.kind) {
    case 'copy':
      copyTree(job.source, job.target);
      return nothing;
    case 'part':
      return { ...nothing, left: copyTreePart(job.source, job.target, job.part) };
    case 'finish':
      finishParts(job.source, job.target, job.left);
      return nothing;
    case 'remove':
      for (const name of job.names) removeAt(job.folder, Buffer.from(name, 'latin1'));
      return nothing;
    case 'size':
      return { ...nothing, sizes: job.folders.map(sizeOfTree) };
  }
}

function serve(port: NonNullable<typeof parentPort>): void {
  let answer: TreeAnswer;
  try {
    answer = { result: performTreeJob(workerData as TreeJob) };
  } catch (error) {
    answer = { error: { code: errnoOf(error), message: messageOf(error) } };
  }
  port.postMessage(answer);
}

if (parentPort && (workerData as { kind?: unknown } | null)?.kind !== undefined) serve(parentPort);
