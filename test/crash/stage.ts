import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { startRegistry } from '../helpers/registry.ts';
import { startSteady } from './steady.ts';
import { image, type Stage } from './workloads.ts';

/** An engine with the starter image, a registry that holds an image to pull, and the steady containers. */
export async function openStage(): Promise<Stage & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  try {
    const registry = stack.use(await startRegistry());
    const engine = stack.use(await startEngine());
    await starterImage(engine);
    const file = path.join(engine.root, 'image.tar');
    const saved = await engine.tug(['save', '-o', file, image]);
    if (saved.code !== 0) throw new Error(`save: ${saved.stderr}`);
    const remoteImage = `${registry.host}/crash/remote:latest`;
    await runChecked('skopeo', [
      'copy',
      '--dest-tls-verify=false',
      `docker-archive:${file}`,
      `docker://${remoteImage}`,
    ]);
    await startSteady(engine);
    return {
      engine,
      remoteImage,
      archive: readFileSync(file),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
