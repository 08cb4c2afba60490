import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import * as net from 'node:net';
import * as path from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import { discardBody } from '../../registry-client/body.ts';
import type { Transport } from '../../registry-client/transport.ts';
import type { HealthSection } from '../config/health.ts';
import type { StorageDriver } from '../contract.ts';
import type { Check } from './health.ts';

/** The checks of a configuration. */
export function checksOf(section: HealthSection, storage: StorageDriver, transport: Transport): Check[] {
  const { storagedriver, file, http, tcp } = section;
  return [
    ...(storagedriver.enabled ? [storageCheck(storagedriver, storage)] : []),
    ...file.map((one) => ({ name: `file:${one.file}`, ...one, threshold: 1, look: () => absent(one.file) })),
    ...http.map((one) => ({ name: `http:${one.uri}`, ...one, look: () => answers(one, transport) })),
    ...tcp.map((one) => ({ name: `tcp:${one.addr}`, ...one, look: () => listens(one.addr, one.timeout) })),
  ];
}

/** The storage answers, and where it is a file system it can be written to and has room. */
function storageCheck({ interval, threshold, minfree }: HealthSection['storagedriver'], storage: StorageDriver): Check {
  const look = async (): Promise<void> => {
    for await (const _name of storage.list('/docker/registry/v2')) break;
    const folder = storage.localPath?.('/');
    if (folder === undefined) return;
    const there = await nearest(folder);
    await access(there, constants.W_OK);
    const { bavail, bsize } = await statfs(there);
    if (bavail * bsize < minfree) throw new Error(`only ${bavail * bsize} bytes are free, less than ${minfree}`);
  };
  return { name: `storagedriver_${storage.name}`, interval, threshold, look };
}

/** The folder, or the one above it that is there: the first push makes it. */
async function nearest(folder: string): Promise<string> {
  try {
    await stat(folder);
    return folder;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || folder === '/') throw error;
    return nearest(path.dirname(folder));
  }
}

async function absent(file: string): Promise<void> {
  try {
    await stat(file);
  } catch {
    return;
  }
  throw new Error('the file is there');
}

async function answers(
  { uri, statuscode, timeout, headers }: HealthSection['http'][number],
  transport: Transport,
): Promise<void> {
  const plain = Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.join(', ')]));
  const signal = AbortSignal.timeout(timeout);
  const answer = await transport.send({ method: 'HEAD', url: new URL(uri), headers: plain, signal });
  discardBody(answer.body);
  if (answer.status !== statuscode) throw new Error(`it answers with status ${answer.status}, not ${statuscode}`);
}

/** @param addr `HOST:PORT`. */
function listens(addr: string, timeout: number): Promise<void> {
  const { hostname, port } = new URL(`tcp://${addr}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port: Number(port), timeout });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
    socket.once('timeout', () => socket.destroy(new Error(`no connection within ${timeout / 1000} s`)));
  });
}
