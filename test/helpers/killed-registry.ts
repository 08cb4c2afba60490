import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { sha256 } from '../../src/formats/digest.ts';
import { makeImage } from './image-layout.ts';
import { putImage } from './put-image.ts';
import { registryApi } from './registry-api.ts';
import type { TugRegistry } from './tug-registry.ts';
import { until } from './until.ts';

/** Seconds of pushing, pulling and killing in place of what a test has; `TUG_REGISTRY_KILL_SECONDS=60` for a minute. */
const wanted = process.env['TUG_REGISTRY_KILL_SECONDS'];

/**
 * Pushes images in three lanes while the registry is killed again and again, each time when another push was
 * acknowledged, and then reads every image whose push was. Resolves with what was done, in words.
 */
export async function pushThroughKills(registry: TugRegistry, usual: number): Promise<string> {
  const seconds = Number(wanted ?? usual);
  const stop = new AbortController();
  const acknowledged = new Map<string, ReturnType<typeof makeImage>>();
  let [kills, broken] = [0, 0];
  const worker = async (lane: number): Promise<void> => {
    for (let round = 0; !stop.signal.aborted; round += 1) {
      const image = makeImage([randomBytes(200_000)]);
      const name = `lane${lane}/round${round}`;
      try {
        await putImage(image, registry.host, name, 'v1');
        acknowledged.set(name, image);
      } catch {
        broken += 1; // it was killed in between: nothing was promised
        await registry.said(/listening on/);
      }
    }
  };
  const workers = [0, 1, 2].map(worker);
  try {
    const began = Date.now();
    do {
      const before = acknowledged.size;
      await until(() => acknowledged.size > before, 'another push to be acknowledged');
      await registry.killAndRestart();
      kills += 1;
    } while (Date.now() - began < seconds * 1000);
  } finally {
    stop.abort();
    await Promise.all(workers);
  }
  const api = registryApi(registry.host);
  for (const [name, image] of acknowledged) {
    const manifest = await api.ask('GET', `/v2/${name}/manifests/v1`);
    assert.deepEqual([manifest.status, sha256(manifest.body)], [200, image.manifest.digest], name);
    for (const { digest } of [image.config, ...image.layers]) {
      assert.equal(sha256((await api.ask('GET', `/v2/${name}/blobs/${digest}`)).body), digest, name);
    }
  }
  return `${kills} kills, ${acknowledged.size} pushes acknowledged, ${broken} broken off`;
}
