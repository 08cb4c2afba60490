import { createHash } from 'node:crypto';
import * as fs from 'node:fs';

/** The configuration of an image of these layers. */
export function configOf(diff_ids: readonly string[]): object {
  return {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created: '2024-01-01T00:00:00Z',
    config: { Cmd: ['true'], Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] },
    rootfs: { type: 'layers', diff_ids },
    history: diff_ids.map(() => ({ created: '2024-01-01T00:00:00Z', created_by: 'bench' })),
  };
}

/** The digest of a file too large for memory. */
export function fileDigest(file: string): string {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(1 << 20);
  const fd = fs.openSync(file, 'r');
  try {
    for (let length = fs.readSync(fd, buffer); length > 0; length = fs.readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, length));
    }
  } finally {
    fs.closeSync(fd);
  }
  return `sha256:${hash.digest('hex')}`;
}
