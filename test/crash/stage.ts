import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { startRegistry } from '../helpers/registry.ts';
import { startSteady } from './steady.ts';
import type { Stage } from './workloads.ts';

/** An engine with the starter image, a registry that holds an image to pull, and the steady containers. */
export async function openStage(): Promise<Stage & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  try {
    const registry = stack.use(await startRegistry());
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tug-stage-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const crashFile = path.join(folder, 'crash');
    const engine = stack.use(await startEngine({ env: { TUG_CRASH_AT: `@${crashFile}` } }));
    await starterImage(engine);
    const archive = await saveSeed(engine);
    const remoteImage = `${registry.host}/crash/remote:latest`;
    await runChecked('skopeo', [
      'copy',
      '--dest-tls-verify=false',
      `docker-archive:${archive}`,
      `docker://${remoteImage}`,
    ]);
    await startSteady(engine);
    return {
      engine,
      remoteImage,
      crashFile,
      archive: readFileSync(archive),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** The archive of an image whose layer no other image has, so that pulling and loading it has something to do. */
async function saveSeed(engine: TestEngine): Promise<string> {
  const folder = path.join(engine.root, 'seed');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'seed'), randomBytes(100_000));
  await runChecked('tar', ['-C', folder, '-cf', `${folder}.tar`, '.']);
  const imported = await engine.tug(['import', `${folder}.tar`, 'crash:seed']);
  const saved = await engine.tug(['save', '-o', `${folder}-image.tar`, 'crash:seed']);
  const removed = await engine.tug(['rmi', 'crash:seed']);
  const failed = [imported, saved, removed].find(({ code }) => code !== 0);
  if (failed) throw new Error(`making an image to pull: ${failed.stderr}`);
  return `${folder}-image.tar`;
}
