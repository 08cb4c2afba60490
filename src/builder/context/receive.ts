import * as path from 'node:path';
import { unsupported } from '../../base/errors.ts';
import { unpackedStream } from '../../images/archive/unpacked-stream.ts';
import type { BuildListener, BuildRequest, BuildStep } from '../contract.ts';
import { readTarTree } from '../sources/tar-tree.ts';
import type { SourceTree } from '../sources/tree.ts';

/** The build context, for as long as the build runs. */
export interface ReceivedContext extends AsyncDisposable {
  readonly files: SourceTree;
}

const loading: BuildStep = {
  ...{ digest: `sha256:${'0'.repeat(63)}1`, inputs: [], number: 0, total: 0, label: '[internal]', works: true },
  text: 'load build context',
};

/** Takes the context that a request brings. @throws invalid for a bad archive, exhausted when the disk is full. */
export async function receiveContext(
  { folder }: { readonly folder: string },
  { context }: BuildRequest,
  listener: BuildListener,
  signal: AbortSignal,
): Promise<ReceivedContext> {
  if (context.kind === 'remote') throw unsupported(`remote contexts are not taken by this engine yet: ${context.url}`);
  listener.started(loading);
  try {
    const archive = unpackedStream(context.stream, signal);
    const tree = await readTarTree(archive, { file: path.join(folder, 'context'), rootOwned: true }, signal);
    listener.progress(loading, 'transferring context', tree.size, undefined);
    listener.done(loading, { cached: false, id: '' });
    return { files: tree, [Symbol.asyncDispose]: () => tree[Symbol.asyncDispose]() };
  } catch (error) {
    listener.failed(loading, error);
    throw error;
  }
}
