import * as fs from 'node:fs';
import * as path from 'node:path';
import { runChecked } from '../src/base/process.ts';
import type { Engine } from './engines.ts';
import { type ImageFixture, imageFixture } from './image-fixture.ts';
import { type BenchRegistry, startRegistry } from './registry.ts';
import { runCommand } from './steps.ts';

/** The images' rows' place on the bench's file system: registries, archives and room for what is written. */
export interface ImageSite {
  readonly fixture: ImageFixture;
  /** A folder on the bench's file system. */
  readonly folder: string;
  /** Waits until everything written is on the disk, so that no engine pays for another's. */
  settle(): Promise<void>;
  /** Empties the registry that an engine pushes to. */
  emptyTarget(engine: Engine): void;
  close(): Promise<void>;
}

/** Names under which the big image is known. */
export const names = {
  pulled: '127.0.0.1:5000/big:latest',
  memory: '127.0.0.1:5000/memory:latest',
  loaded: 'bench/big:loaded',
  pushed: '127.0.0.1:5001/pushed:latest',
  imported: 'bench/big:imported',
  committed: 'bench/committed:latest',
} as const;

/**
 * Makes the fixture in `cache`, where it is not there yet, copies it to the bench's file system and starts two
 * registries in every engine's network namespace: one to pull from on port 5000, an empty one on port 5001.
 */
export async function openImageSite(engines: readonly Engine[], cache: string, mountPoint: string): Promise<ImageSite> {
  const cached = await imageFixture(cache);
  const folder = path.join(mountPoint, 'images');
  fs.mkdirSync(folder);
  await runChecked('cp', ['-a', cached.registry, cached.archive, cached.tree, folder]);
  const at = (file: string): string => path.join(folder, path.basename(file));
  const fixture = { ...cached, registry: at(cached.registry), archive: at(cached.archive), tree: at(cached.tree) };
  const targetOf = (engine: Engine): string => path.join(folder, `target-${engine.name}`);
  const registries: BenchRegistry[] = [];
  for (const engine of engines) {
    const { namespace } = engine;
    registries.push(await startRegistry({ storage: fixture.registry, scratch: folder, port: 5000, namespace }));
    registries.push(await startRegistry({ storage: targetOf(engine), scratch: folder, port: 5001, namespace }));
  }
  return {
    fixture,
    folder,
    settle: async () => void (await runChecked('sync', ['-f', mountPoint])),
    emptyTarget: (engine) => fs.rmSync(targetOf(engine), { recursive: true, force: true }),
    async close() {
      for (const registry of registries) await registry.stop();
    },
  };
}

/** Takes the big image and all its layers from an engine. */
export async function removeBig(engine: Engine): Promise<void> {
  for (const name of [names.pulled, names.loaded, names.pushed, names.imported]) {
    await runCommand(engine, ['rmi', '-f', name]).catch(() => {}); // most are not there
  }
}
