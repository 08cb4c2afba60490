import type { Action } from '../contract.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Target } from '../http/routes.ts';
import { deleteBlob, getBlob } from './blobs.ts';
import { getBase, getCatalog, getReferrers, getTags } from './lists.ts';
import { deleteManifest, getManifest, putManifest } from './manifests.ts';
import { deleteUpload, getUpload, patchUpload, postUpload, putUpload } from './uploads.ts';

/** What is done for a method on a kind of target, and what it takes to be let. */
export interface Operation {
  readonly actions: readonly Action[];
  /** Changes what is stored, so that a registry that is read-only refuses it. */
  readonly writes?: true;
  /** Needs `storage.delete.enabled`. */
  readonly deletes?: true;
  readonly run: (exchange: Exchange, name: string, reference: string) => Promise<void>;
}

const pull = (run: Operation['run']): Operation => ({ actions: ['pull'], run });
const push = (run: Operation['run']): Operation => ({ actions: ['pull', 'push'], writes: true, run });
const remove = (run: Operation['run']): Operation => ({ actions: ['delete'], writes: true, deletes: true, run });

/** Every operation of the API, by what the path names and the method. */
export const operations: Readonly<Record<Target['kind'], Readonly<Record<string, Operation>>>> = {
  base: { GET: { actions: [], run: getBase }, HEAD: { actions: [], run: getBase } },
  catalog: { GET: { actions: ['pull'], run: getCatalog } },
  tags: { GET: pull(getTags) },
  manifest: {
    GET: pull(getManifest),
    HEAD: pull(getManifest),
    PUT: push(putManifest),
    DELETE: remove(deleteManifest),
  },
  blob: { GET: pull(getBlob), HEAD: pull(getBlob), DELETE: remove(deleteBlob) },
  uploads: { POST: push(postUpload) },
  upload: { GET: push(getUpload), PATCH: push(patchUpload), PUT: push(putUpload), DELETE: push(deleteUpload) },
  referrers: { GET: pull(getReferrers) },
};
