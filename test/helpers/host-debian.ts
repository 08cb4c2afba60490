import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, symlinkSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { run, runChecked } from '../../src/base/process.ts';

/** Folders that are links into /usr on a Debian of today. */
const merged = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
const database = 'var/lib/dpkg';

/**
 * Makes a small Debian in a folder of what this machine has installed itself: the packages that every Debian has, with
 * those they need, their files and dpkg's records of them. Takes no network and two seconds. Returns why there is none
 * where this machine is no Debian.
 */
export async function hostDebian(folder: string): Promise<string | undefined> {
  if ((await run('dpkg-query', ['--version']).catch(() => undefined))?.code !== 0) return 'this machine has no dpkg';
  const packages = await neededPackages();
  for (const name of merged.filter((one) => lstatSync(`/${one}`, { throwIfNoEntry: false })?.isSymbolicLink())) {
    await fs.mkdir(path.join(folder, readlinkSync(`/${name}`)), { recursive: true });
    symlinkSync(readlinkSync(`/${name}`), path.join(folder, name));
  }
  await copyFiles(await filesOf(packages), folder);
  for (const name of ['passwd', 'group'])
    await fs.copyFile(`/usr/share/base-passwd/${name}.master`, path.join(folder, 'etc', name));
  for (const name of ['updates', 'triggers', 'parts'])
    await fs.mkdir(path.join(folder, database, name), { recursive: true });
  const stanzas = readFileSync(`/${database}/status`, 'utf8').split('\n\n');
  const own = stanzas.filter((text) => packages.has(/^Package: (\S+)$/m.exec(text)?.[1] ?? ''));
  await fs.writeFile(path.join(folder, database, 'status'), `${own.join('\n\n')}\n`);
  return undefined;
}

/** The essential and required packages, and what they depend on (deb-control(5)), as far as it is installed. */
async function neededPackages(): Promise<Set<string>> {
  const fields = ['Package', 'Essential', 'Priority', 'Depends', 'Pre-Depends'].map((field) => `\${${field}}`);
  const text = await runChecked('dpkg-query', ['-W', '-f', `${fields.join('\t')}\n`]);
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  const dependencies = new Map(
    rows.map(([name = '', , , depends, before]) => [
      name,
      `${depends},${before}`.split(/[,|]/).map((one) => one.trim().split(/[ :(]/)[0] ?? ''),
    ]),
  );
  const needed = new Set(
    rows.filter(([, essential, priority]) => essential === 'yes' || priority === 'required').map(([name = '']) => name),
  );
  for (const name of needed)
    for (const other of dependencies.get(name) ?? []) if (dependencies.has(other)) needed.add(other);
  return needed;
}

/** Paths without the slash before them, each by the folder that it really lies in; a folder comes before what it has. */
async function filesOf(packages: ReadonlySet<string>): Promise<string[]> {
  const listed = (await runChecked('dpkg-query', ['-L', ...packages])).split('\n').filter((line) => /^\/./.test(line));
  const records = readdirSync(`/${database}/info`)
    // PACKAGE.list or PACKAGE:ARCHITECTURE.list, and which of the two forms it is
    .filter((name) => name === 'format' || packages.has(name.replace(/(:\w+)?\.\w+$/, '')))
    .map((name) => `/${database}/info/${name}`);
  const real = [...listed, ...records]
    .filter((file) => lstatSync(file, { throwIfNoEntry: false }) && !merged.includes(file.slice(1)))
    .map((file) => path.join(realpathSync(path.dirname(file)), path.basename(file)).slice(1));
  return [...new Set(real)].sort();
}

async function copyFiles(files: readonly string[], folder: string): Promise<void> {
  const list = `${folder}.list`;
  try {
    await fs.writeFile(list, files.filter((file) => existsSync(`/${file}`) || isLink(file)).join('\0'));
    const script = 'tar --null --no-recursion -C / -cf - -T "$1" | tar -C "$2" -xpf - --same-owner --numeric-owner';
    await runChecked('bash', ['-o', 'pipefail', '-c', script, 'bash', list, folder]);
  } finally {
    await fs.rm(list, { force: true });
  }
}

const isLink = (file: string): boolean => lstatSync(`/${file}`).isSymbolicLink();
