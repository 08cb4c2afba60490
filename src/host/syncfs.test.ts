import assert from 'node:assert/strict';
import { it } from 'node:test';
import { syncFileSystem, syncFileSystems } from './syncfs.ts';

/** In memory, so that it takes no time. */
const quick = '/dev/shm';

it('is carried out, for each file system once, and by one call for those who ask meanwhile', async () => {
  await syncFileSystem(quick);
  await syncFileSystems([quick, quick, '/run']);
  const [first, second, third] = [syncFileSystem(quick), syncFileSystem(quick), syncFileSystem(quick)];
  await Promise.all([first, second, third]);
});

it('says which path there is not', async () => {
  await assert.rejects(async () => await syncFileSystem(`${quick}/nowhere`), { code: 'ENOENT' });
});
