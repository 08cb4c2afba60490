import { closeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { errnoOf, messageOf, TugError } from '../../base/errors.ts';
import { type IdMaps, rootOf } from '../../formats/id-maps.ts';
import { actAsOwner } from '../../host/file-ids.ts';
import { statPath } from './path-stat.ts';
import { readFiles } from './read-files.ts';
import { type WriteOptions, writeFiles } from './write-files.ts';

/**
 * What a thread does to a container's files. `root` is a descriptor of the container's root, which stays the caller's;
 * `pipe` is the thread's to close, on which it waits as long as the other side takes.
 */
export type CopyJob =
  | { readonly kind: 'stat'; readonly root: number; readonly path: string }
  | (Mapped & { readonly kind: 'read'; readonly root: number; readonly path: string; readonly pipe: number })
  | (Mapped & { readonly kind: 'write'; readonly root: number; readonly options: WriteOptions; readonly pipe: number });

interface Mapped {
  /** The ids of the container's user namespace; undefined for the host's. */
  readonly maps: IdMaps | undefined;
}

/** An error as plain data, since a thread's message keeps only its text. */
export interface SentError {
  readonly tug: boolean;
  readonly kind: string;
  readonly code: string | undefined;
  readonly message: string;
}

export type CopyAnswer = { readonly result: unknown } | { readonly error: SentError };

async function perform(job: CopyJob): Promise<unknown> {
  if (job.kind === 'stat') return statPath(job.root, job.path);
  try {
    using _ = job.maps && actAsOwner(rootOf(job.maps));
    if (job.kind === 'read') await readFiles(job.root, job.path, job.pipe, job.maps);
    else writeFiles(job.root, job.options, job.pipe, job.maps);
  } finally {
    closeSync(job.pipe);
  }
  return undefined;
}

function sendError(error: unknown): SentError {
  if (error instanceof TugError) return { tug: true, kind: error.kind, code: error.code, message: error.message };
  return { tug: false, kind: '', code: errnoOf(error), message: messageOf(error) };
}

function serve(port: NonNullable<typeof parentPort>): void {
  port.on('message', async (job: CopyJob) => {
    const answer: CopyAnswer = await perform(job).then(
      (result) => ({ result }),
      (error: unknown) => ({ error: sendError(error) }),
    );
    port.postMessage(answer);
  });
}

if (parentPort) serve(parentPort);
