import type { RegistryConfig } from './config/schema.ts';
import { storageSections } from './config/storage.ts';
import type { StorageDriver } from './contract.ts';
import { openFilesystem } from './storage/drivers/filesystem.ts';
import { openS3 } from './storage/drivers/s3.ts';

type StorageConfig = RegistryConfig['storage'];

/** The storage drivers: each is opened where its section is given. */
const storageDrivers: readonly ((storage: StorageConfig) => StorageDriver | undefined)[] = [
  ({ filesystem }) => filesystem && openFilesystem(filesystem),
  ({ s3 }) => s3 && openS3(s3),
];

/** The storage that the configuration gives; without one the file system at its default place. */
export function openStorage(config: StorageConfig): StorageDriver {
  for (const open of storageDrivers) {
    const driver = open(config);
    if (driver) return driver;
  }
  return openFilesystem(storageSections.filesystem.parse({}));
}
