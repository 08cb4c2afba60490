import { snapshotDriverSuite } from '../contract-suite.ts';
import { createVfsDriver } from './vfs.ts';

snapshotDriverSuite('vfs', createVfsDriver);
