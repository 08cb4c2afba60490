import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { runChecked } from '../src/base/process.ts';
import type { Engine } from './engines.ts';

/** Gives an engine the image `busybox`, made from Debian's static busybox. */
export async function importBusybox(engine: Engine, folder: string): Promise<void> {
  const archive = path.join(folder, 'busybox.tar');
  if (!existsSync(archive)) await makeArchive(folder, archive);
  const [file = '', ...before] = engine.dockerClient ? ['docker'] : engine.cli;
  await runChecked(file, [...before, 'import', archive, 'busybox:latest'], { env: engine.env });
}

async function makeArchive(folder: string, archive: string): Promise<void> {
  const root = path.join(folder, 'root');
  for (const name of ['bin', 'etc', 'tmp', 'root', 'proc', 'sys', 'dev'])
    mkdirSync(path.join(root, name), { recursive: true });
  copyFileSync('/bin/busybox', path.join(root, 'bin/busybox'));
  const applets = (await runChecked('/bin/busybox', ['--list'])).split('\n').filter(Boolean);
  for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', path.join(root, 'bin', applet));
  writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\n');
  await runChecked('tar', ['-C', root, '-cf', archive, '.']);
}
