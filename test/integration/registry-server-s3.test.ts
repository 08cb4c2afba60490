import { after, before, describe } from 'node:test';
import { s3Section } from '../../src/registry-server/config/s3.ts';
import { openS3 } from '../../src/registry-server/storage/drivers/s3.ts';
import { testStorageDriver } from '../../src/registry-server/storage/storage.contract-suite.ts';
import { type S3Parameters, type S3Store, s3StoreMissing, startS3Store } from '../helpers/s3-store.ts';

const smallest = { chunksize: 5 * 1024 * 1024, multipartcopythresholdsize: 6_000_000 };

describe('a registry in an S3-compatible store', { skip: s3StoreMissing }, () => {
  let store: S3Store;
  let contract: S3Parameters;
  before(async () => {
    store = await startS3Store();
    contract = await store.bucket('contract');
  });
  after(() => store[Symbol.asyncDispose]());

  testStorageDriver('s3', () => openS3(s3Section.parse({ ...contract, rootdirectory: '/some/folder/', ...smallest })));
});
