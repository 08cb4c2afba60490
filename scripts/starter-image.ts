import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { internal } from '../src/base/errors.ts';
import { runChecked } from '../src/base/process.ts';
import { paddingOf } from '../src/formats/tar/entry.ts';
import { formatEntry, type TarEntryInput, tarTrailer } from '../src/formats/tar/writer.ts';

/** The name under which a Docker user looks for it: `tug run busybox`. */
export const starterReference = 'busybox:latest';

/**
 * The root file system of the starter image as a tar: the machine's static busybox with a link for each of its
 * applets, and the few files and folders that programs expect. The same busybox gives the same bytes.
 * @throws internal when no static busybox is installed.
 */
export async function starterArchive(): Promise<Buffer> {
  const file = findBusybox();
  const applets = (await runChecked(file, ['--list'])).split('\n').filter((name) => name !== '' && name !== 'busybox');
  const mtime = BigInt(Math.floor(statSync(file).mtimeMs / 1000)) * 1_000_000_000n;
  const parts: Buffer[] = [];
  const add = (entry: Omit<TarEntryInput, 'mtime' | 'size'>, data = Buffer.alloc(0)): void => {
    parts.push(formatEntry({ ...entry, mtime, size: data.length }), data, Buffer.alloc(paddingOf(data.length)));
  };
  for (const [name, mode] of folders) add({ name, type: 'directory', mode });
  for (const [name, text] of Object.entries(texts)) add({ name, type: 'file', mode: 0o644 }, Buffer.from(text));
  add({ name: 'bin/busybox', type: 'file', mode: 0o755 }, readFileSync(file));
  for (const applet of applets) add({ name: `bin/${applet}`, type: 'hard-link', mode: 0o755, linkName: 'bin/busybox' });
  add({ name: 'usr/bin/env', type: 'hard-link', mode: 0o755, linkName: 'bin/busybox' });
  return Buffer.concat([...parts, tarTrailer()]);
}

const folders: readonly [string, number][] = [
  ...['bin/', 'dev/', 'etc/', 'home/', 'proc/', 'run/', 'sys/', 'usr/', 'usr/bin/', 'usr/sbin/', 'var/'].map(
    (name): [string, number] => [name, 0o755],
  ),
  ['root/', 0o700],
  ['tmp/', 0o1777],
  ['var/tmp/', 0o1777],
];

const texts = {
  'etc/passwd':
    'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
  'etc/group': 'root:x:0:\ndaemon:x:1:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n',
  'etc/shadow': 'root:*:::::::\ndaemon:*:::::::\nnobody:*:::::::\n',
};

function findBusybox(): string {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/bin', '/bin', '/sbin'].filter(Boolean);
  const candidates = folders.flatMap((folder) => ['busybox.static', 'busybox'].map((name) => path.join(folder, name)));
  const file = candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (file === undefined)
    throw internal('no busybox is installed to make the starter image of (Debian: busybox-static)');
  return file;
}
