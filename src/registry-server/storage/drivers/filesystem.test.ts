import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, describe } from 'node:test';
import { testStorageDriver } from '../storage.contract-suite.ts';
import { openFilesystem } from './filesystem.ts';

describe('the file system as a storage', () => {
  const rootdirectory = fs.mkdtempSync(path.join(os.tmpdir(), 'storage-'));
  after(() => fs.rmSync(rootdirectory, { recursive: true }));
  testStorageDriver('filesystem', () => openFilesystem({ rootdirectory }));
});
