import * as path from 'node:path';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { runChecked } from '../../src/base/process.ts';
import { setXattr } from '../../src/host/xattr.ts';
import type { TestEngine } from './engine.ts';
import { describeTree } from './file-tree.ts';

/** Runs a container that does nothing and returns where its files are seen on the host. */
export async function startIdle(engine: TestEngine, image: string, name: string): Promise<string> {
  const made = await engine.api('POST', `/containers/create?name=${name}`, { Image: image, Cmd: ['sleep', '100000'] });
  if (made.status !== 201) throw new Error(made.text);
  const started = await engine.api('POST', `/containers/${name}/start`);
  if (started.status !== 204) throw new Error(started.text);
  return await rootfsOf(engine, name);
}

export async function rootfsOf(engine: TestEngine, name: string): Promise<string> {
  const { Id } = (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();
  return path.join(engine.execRoot, 'containers', Id, 'rootfs');
}

/** Runs a script in a folder, with a umask of 022. */
export const shell = (folder: string, script: string): Promise<string> =>
  runChecked('bash', ['-euc', `umask 022; cd "$0"; ${script}`, folder]);

/** Everything that a file system can hold, made in the first of two containers. */
export const everyKindOfFile = `
  mkdir -p bin2 data/deep/er tmp var/log; printf '#!/bin/sh\\n' >bin2/tool; chmod 4755 bin2/tool
  ln bin2/tool bin2/again; ln bin2/tool data/third; ln -s ../bin2/tool data/link; ln -s /etc/passwd data/absolute
  mknod data/null c 1 3; mknod data/wide b 300 70000; mkfifo data/fifo
  truncate -s 5M data/sparse; printf middle | dd of=data/sparse bs=1 seek=2500000 conv=notrunc status=none
  head -c 700000 /dev/urandom >data/big; : >data/empty
  for n in 1 2 3; do printf "$n" >data/deep/$n; printf "$n" >data/deep/er/$n; printf "$n" >var/log/$n; done
  touch 'data/name with blanks' $'data/new\\nline' data/ünïcödé; printf old >data/becomes-folder
  mkdir data/becomes-file; printf y >data/becomes-file/inner
  mkdir -p data/${'l'.repeat(150)}/${'m'.repeat(150)}; printf long >data/${'l'.repeat(150)}/${'m'.repeat(150)}/${'n'.repeat(200)}
  chown -R 1000:1001 data/deep; chmod 700 data/deep; chown 3000000000:3000000001 data/empty; chown -h 7:8 data/link
  chmod 4755 bin2/tool; find bin2 data -exec touch -h -d '2024-01-02 03:04:05.123456789' {} +`;

/** What the second does with them. */
export const everyKindOfChange = `
  rm data/deep/2 data/becomes-folder; mkdir data/becomes-folder; printf inner >data/becomes-folder/inner
  rm -r data/becomes-file; printf file >data/becomes-file
  rm -r data/deep/er; mkdir data/deep/er; printf again >data/deep/er/again; mkdir data/deep/er/1
  rm -r var/log; chmod 640 data/big; printf more >>data/third; rm data/fifo; chown 5:6 data; rm bin2/again`;

export function markFiles(rootfs: string): void {
  setXattr(path.join(rootfs, 'bin2/tool'), 'user.note', Buffer.from('attribute'));
  setXattr(path.join(rootfs, 'data'), 'user.folder', Buffer.from('of a folder'));
  // cap_net_raw=ep, as linux/capability.h lays it out (version 2)
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  setXattr(path.join(rootfs, 'data/big'), 'security.capability', capability);
}

/**
 * The tree without what the runtime made for the engine's mounts, and without the times of the folders it made it in.
 * How many names a file has is left out too: overlayfs counts those that are hidden.
 */
export function treeOf(rootfs: string): string[] {
  const places = /^(?:dev|proc|sys|etc\/(?:hosts|hostname|resolv\.conf)|\.dockerenv)(?: |\/)/;
  return describeTree(rootfs)
    .filter((line) => !places.test(line))
    .map((line) => line.replace(/^(etc \S+ \S+) \d+/, '$1').replace(/ \d+ names/, ''));
}
