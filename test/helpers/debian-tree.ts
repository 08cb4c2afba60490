import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { run } from '../../src/base/process.ts';

/** Where apt of this machine takes Debian from. */
interface DebianSource {
  readonly mirror: string;
  readonly suite: string;
}

/** A minimal Debian in a folder, or why there is none. Whoever made it removes it. */
export type DebianTree = { readonly folder: string; readonly made: boolean } | { readonly reason: string };

/**
 * Makes a minimal Debian with debootstrap from the mirror that apt is configured with, about 50 MB to download.
 * It lies in the folder for temporary files under a name of its own, and is used again while it is there.
 */
export async function debianTree(): Promise<DebianTree> {
  const source = findSource();
  if (!source) return { reason: 'apt of this machine names no Debian mirror for the release it runs' };
  const folder = path.join(os.tmpdir(), `tug-debian-${source.suite}`);
  const whole = `${folder}.whole`;
  if (existsSync(whole)) return { folder, made: false };
  await removeTree(folder);
  const { code, stdout, stderr } = await run('debootstrap', ['--variant=minbase', source.suite, folder, source.mirror]);
  if (code !== 0) {
    await removeTree(folder);
    const said = `${stdout}${stderr}`.trim().split('\n').at(-1);
    return { reason: `debootstrap could not fetch ${source.suite} from apt's mirror: ${said}` };
  }
  // what only costs time to pack: packages and their lists
  for (const part of ['var/cache/apt', 'var/lib/apt/lists']) {
    for (const name of await fs.readdir(path.join(folder, part)))
      await fs.rm(path.join(folder, part, name), { recursive: true });
  }
  writeFileSync(whole, '');
  return { folder, made: true };
}

/** Takes a tree away again. */
export async function removeDebianTree(tree: DebianTree): Promise<void> {
  if (!('folder' in tree) || !tree.made) return;
  await fs.rm(`${tree.folder}.whole`, { force: true });
  await removeTree(tree.folder);
}

const removeTree = (folder: string): Promise<void> => fs.rm(folder, { recursive: true, force: true });

/** The source of the running release's main part, in either of apt's two forms (sources.list(5)). */
function findSource(): DebianSource | undefined {
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (suite === undefined) return undefined;
  const found = [
    ...globSync('/etc/apt/sources.list{,.d/*.list}').flatMap((file) => fromLines(readFileSync(file, 'utf8'))),
    ...globSync('/etc/apt/sources.list.d/*.sources').flatMap((file) => fromStanzas(readFileSync(file, 'utf8'))),
  ];
  const fitting = found.find(({ suites, components }) => suites.includes(suite) && components.includes('main'));
  return fitting && { mirror: fitting.mirror, suite };
}

interface Entry {
  readonly mirror: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

const fromLines = (text: string): Entry[] =>
  [...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/gm)].map(
    ([, mirror = '', suite = '', rest = '']) => ({
      mirror,
      suites: [suite],
      components: rest.split(/\s+/),
    }),
  );

function fromStanzas(text: string): Entry[] {
  return text.split(/\n\s*\n/).map((stanza) => {
    const field = (name: string): string[] =>
      (new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(stanza)?.[1] ?? '').split(/\s+/).filter(Boolean);
    return { mirror: field('URIs')[0] ?? '', suites: field('Suites'), components: field('Components') };
  });
}
