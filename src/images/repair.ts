import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { parseDigest } from '../formats/digest.ts';
import type { LayerUnpacker } from './content/contract.ts';
import type { CollectorDeps } from './gc.ts';
import type { LayerRow } from './layer-rows.ts';
import type { Settling, Unsettled } from './settling.ts';

export interface RepairDeps extends CollectorDeps {
  readonly settling: Settling;
  readonly unpacker: LayerUnpacker;
  readonly log: Logger;
}

/**
 * Looks at what was recorded and may not have come to the disk before the power was cut: a blob that is not whole is
 * forgotten, a layer is unpacked from its blob once more, and an image of which a layer cannot be made again is removed,
 * with a word in the log. What this boot's kernel still holds is left alone. Call it before files and state are
 * compared. Idempotent; interrupted, the next start goes on.
 */
export async function repairImages(deps: RepairDeps): Promise<void> {
  const { settling } = deps;
  const pending = settling.pending();
  if (pending.some(({ held }) => held)) void settling.flush().catch(() => {}); // it has told the log
  const lost = pending.filter(({ held }) => !held);
  if (lost.length === 0) return;
  deps.log.warn('the power was cut before images were on the disk: they are looked at', { count: lost.length });
  for (const item of lost.filter(({ kind }) => kind === 'blob')) await checkBlob(deps, item);
  for (const item of bottomFirst(
    deps,
    lost.filter(({ kind }) => kind === 'layer'),
  ))
    await remakeLayer(deps, item);
}

async function checkBlob({ content, settling }: RepairDeps, item: Unsettled): Promise<void> {
  if (!(await isWhole(content.path(item.key), item.key))) await content.remove(item.key);
  settling.strike(item);
}

async function isWhole(file: string, digest: string): Promise<boolean> {
  const { algorithm, hex } = parseDigest(digest);
  const hash = createHash(algorithm);
  try {
    await pipeline(fs.createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  } catch {
    return false; // gone, or on a part of the disk that cannot be read
  }
  return hash.digest('hex') === hex;
}

/** A layer stands on those before it, which are made again before. */
function bottomFirst({ state }: RepairDeps, items: readonly Unsettled[]): Unsettled[] {
  const depth = (chainId: string): number => Math.max(-1, ...state.stacksOf(chainId).map(({ length }) => length));
  return [...items].sort((a, b) => depth(a.key) - depth(b.key));
}

async function remakeLayer(deps: RepairDeps, item: Unsettled): Promise<void> {
  const { driver, log, settling, state } = deps;
  const layer = state.layer(item.key);
  const [stack] = state.stacksOf(item.key);
  await driver.remove(item.key, { evenUsed: true });
  state.forgetLayer(item.key);
  if (layer && stack) {
    try {
      await unpackAgain(deps, layer, stack);
    } catch (error) {
      const images = state.imagesWith(item.key);
      for (const id of images) state.removeImage(id);
      log.error('images were lost in the power cut, moments after they came: pull or load them again', {
        images,
        error: messageOf(error),
      });
    }
  }
  if (!state.layer(item.key)) settling.strike(item); // the other is noted anew, and settled in its turn
}

async function unpackAgain(deps: RepairDeps, layer: LayerRow, stack: readonly string[]): Promise<void> {
  const { signal } = new AbortController();
  if (!deps.content.has(layer.blob.digest)) throw new Error(`blob ${layer.blob.digest} is not whole`);
  await deps.unpacker.unpack(layer.blob, layer.diffId, stack.slice(0, -1), signal);
}
