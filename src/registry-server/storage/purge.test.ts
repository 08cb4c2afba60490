import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { it } from 'node:test';
import { silentLogger } from '../../base/log.ts';
import { openFilesystem } from './drivers/filesystem.ts';
import { uploadFolder } from './paths.ts';
import { purgeUploads } from './purge.ts';

it('a round removes uploads that are old, and an empty one only when the round before found it so', async () => {
  const rootdirectory = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-purge-'));
  try {
    const folderOf = (digit: string): string =>
      uploadFolder('team/app', `${digit.repeat(8)}-0000-4000-8000-000000000000`);
    const [old, fresh, begun] = ['1', '2', '3'].map(folderOf) as [string, string, string];
    for (const folder of [old, fresh, begun]) await fs.mkdir(path.join(rootdirectory, folder), { recursive: true });
    for (const folder of [old, fresh]) await fs.writeFile(path.join(rootdirectory, folder, 'startedat'), 'now');
    await fs.utimes(path.join(rootdirectory, old, 'startedat'), 1, 1);
    const left = async (): Promise<string[]> =>
      (await fs.readdir(path.dirname(path.join(rootdirectory, fresh)))).sort();
    const empty = new Set<string>();
    const round = () =>
      purgeUploads(openFilesystem({ rootdirectory }), { age: 3_600_000, dryrun: false }, silentLogger, empty);
    await round();
    assert.deepEqual(await left(), [path.basename(fresh), path.basename(begun)]);
    await round();
    assert.deepEqual(await left(), [path.basename(fresh)]);
  } finally {
    await fs.rm(rootdirectory, { recursive: true });
  }
});
