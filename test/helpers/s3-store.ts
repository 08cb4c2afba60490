import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './ports.ts';

/** A real S3-compatible store of its own: OpenStack Swift with its S3 API. Disposing ends it and removes what it kept. */
export interface S3Store extends AsyncDisposable {
  readonly endpoint: string;
  /** The `storage.s3` section for a bucket of this store, which is made where it is missing. */
  bucket(name: string): Promise<S3Parameters>;
  /** Nobody answers at the endpoint until `resume`. */
  halt(): Promise<void>;
  resume(): Promise<void>;
}

export interface S3Parameters {
  readonly accesskey: string;
  readonly secretkey: string;
  readonly region: string;
  readonly regionendpoint: string;
  readonly bucket: string;
}

const keys = { accesskey: 'test:tester', secretkey: 'secret' };
const python = '/usr/bin/python3';

/** Why the tests of S3 cannot run here; false where they can. */
export const s3StoreMissing: string | false = existsSync('/usr/lib/python3/dist-packages/swift/common/middleware/s3api')
  ? false
  : 'no S3-compatible store is installed (Debian: python3-swift)';

export async function startS3Store(): Promise<S3Store> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 's3-store-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  let end = await launch(folder, port).catch(async (error) => {
    await fs.rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    endpoint,
    bucket: async (name) => {
      const { S3Client, CreateBucketCommand } = await import('@aws-sdk/client-s3');
      const credentials = { accessKeyId: keys.accesskey, secretAccessKey: keys.secretkey };
      const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials });
      await client.send(new CreateBucketCommand({ Bucket: name }));
      client.destroy();
      return { ...keys, region: 'us-east-1', regionendpoint: endpoint, bucket: name };
    },
    halt: () => end(),
    resume: async () => {
      end = await launch(folder, port);
    },
    [Symbol.asyncDispose]: async () => {
      await end();
      await fs.rm(folder, { recursive: true, force: true });
    },
  };
}

/** Starts the store, waits until it listens, and gives what ends it. */
async function launch(folder: string, port: number): Promise<() => Promise<void>> {
  const script = path.join(import.meta.dirname, 's3-store.py');
  const child = spawn(python, ['-B', script, folder, keys.accesskey, keys.secretkey, String(port)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder },
  });
  const said: string[] = [];
  createInterface(child.stderr).on('line', (line) => said.push(line));
  const ended = once(child, 'close');
  const listens = once(createInterface(child.stdout), 'line');
  const failed = ended.then(() => {
    throw new Error(`the S3 store ended: ${said.slice(-5).join('\n')}`);
  });
  failed.catch(() => undefined);
  await Promise.race([listens, failed]);
  return async () => {
    child.kill('SIGKILL');
    await ended;
  };
}
