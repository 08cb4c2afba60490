import type { Journal } from '../base/journal.ts';
import type { LocalContentStore } from './content/store.ts';
import { collectGarbage } from './gc.ts';
import type { LayoutIndex } from './layout-index.ts';
import { type RepairDeps, repairImages } from './repair.ts';

export interface RecoverDeps extends RepairDeps {
  readonly content: LocalContentStore;
  readonly journal: Journal;
  readonly layout: LayoutIndex;
}

/**
 * Settles what a killed engine left: stages and spools go, files and state are made to agree, layers and blobs
 * that nothing needs are collected, `index.json` is written anew, journal entries of images are struck out. Call it
 * after the operations' leases were dropped. Idempotent, also when it is cut off itself.
 */
export async function recoverImages(deps: RecoverDeps): Promise<void> {
  const { content, driver, journal, layout, log, state } = deps;
  await repairImages(deps);
  const stages = await driver.sweep();
  const { rows, files } = await content.sweep();
  if (rows > 0) log.warn('blobs of the state were missing or cut off and are forgotten', { blobs: rows });
  // A layer is committed before it is recorded: one that is not recorded was on its way when the engine died.
  for (const chainId of await driver.list()) if (!state.layer(chainId)) await driver.remove(chainId);
  const { layers, blobs } = await collectGarbage(deps);
  await layout.refresh();
  for (const intent of journal.pending()) if (intent.kind.startsWith('image.')) journal.done(intent);
  if (stages + files + layers.length + blobs.length > 0) {
    log.info('leftovers of images were removed', { stages, files, layers: layers.length, blobs: blobs.length });
  }
}
