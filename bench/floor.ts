import { mkdirSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { findProgram } from '../scripts/setup/packages.mjs';
import { runChecked } from '../src/base/process.ts';
import type { ImageSite } from './image-site.ts';
import { timed } from './measure.ts';

/** Decompressors of gzip, the fastest first. */
const decompressors = ['igzip', 'rapidgzip', 'pigz', 'gzip'];

/** The decompressor that the floor is measured with. */
export const decompressor = (): string => decompressors.find((name) => findProgram(name) !== undefined) ?? 'gzip';

/** Milliseconds to unpack the layers with the tools there are, two at a time and each into a folder of its own. */
export async function measureFloor(site: ImageSite): Promise<number> {
  const folder = path.join(site.folder, 'floor');
  mkdirSync(folder);
  const waiting = [...site.fixture.layers.entries()];
  const one = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, layer] = next;
      const into = path.join(folder, String(index));
      mkdirSync(into);
      await runChecked('sh', ['-c', `${decompressor()} -dc '${layer}' | tar -x --numeric-owner -C '${into}'`]);
    }
  };
  try {
    await site.settle();
    return await timed(async () => void (await Promise.all([one(), one()])));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
