import * as fs from 'node:fs';

/** A place of packages that the host's apt is configured with. */
export interface AptSource {
  readonly mirror: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** The file of the keys that its release is signed with. */
  readonly keyring: string | undefined;
  /** True when apt takes it unsigned. */
  readonly trusted: boolean;
}

/**
 * The source that has a release of a distribution: one that names the release, else the one that the host itself is
 * installed from when it is of the same distribution, since a mirror carries all releases. Undefined when there is none.
 */
export function findAptSource(distribution: string, suite: string, etc = '/etc'): AptSource | undefined {
  const sources = readSources(`${etc}/apt`).filter(
    ({ mirror, components }) => components.includes('main') && /^(https?|file):/.test(mirror),
  );
  // others' packages for a release name it too: the distribution's own lie in a folder called after it
  const own = sources.filter(({ mirror }) => mirror.replace(/\/+$/, '').endsWith(`/${distribution}`));
  const having = (name: string) => [...own, ...sources].find(({ suites }) => suites.includes(name));
  const host = releaseOf(etc);
  return having(suite) ?? (host.id === distribution && host.codename ? having(host.codename) : undefined);
}

function releaseOf(etc: string): { id: string | undefined; codename: string | undefined } {
  const text = readIfThere(`${etc}/os-release`);
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)"?$`, 'm').exec(text)?.[1];
  return { id: field('ID'), codename: field('VERSION_CODENAME') };
}

/** Both of apt's forms (sources.list(5)). */
function readSources(folder: string): AptSource[] {
  const names = fs.existsSync(`${folder}/sources.list.d`) ? fs.readdirSync(`${folder}/sources.list.d`).sort() : [];
  const files = [`${folder}/sources.list`, ...names.map((name) => `${folder}/sources.list.d/${name}`)];
  return files.flatMap((file) => {
    if (file.endsWith('.sources')) return fromStanzas(readIfThere(file));
    return file.endsWith('.list') ? fromLines(readIfThere(file)) : [];
  });
}

function fromLines(text: string): AptSource[] {
  const lines = text.matchAll(/^deb[ \t]+(?:\[([^\]]*)\][ \t]+)?(\S+)[ \t]+(\S+)[ \t]*(.*)$/gm);
  return [...lines].map(([, options = '', mirror = '', suite = '', rest = '']) => ({
    mirror,
    suites: [suite],
    components: rest.replace(/#.*/, '').split(/\s+/),
    keyring: keyFile(/\bsigned-by=(\S+)/.exec(options)?.[1]),
    trusted: /\btrusted=yes\b/.test(options),
  }));
}

function fromStanzas(text: string): AptSource[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const words = (name: string): string[] =>
      (new RegExp(`^${name}:[ \\t]*(.*)$`, 'mi').exec(stanza)?.[1] ?? '').split(/\s+/).filter(Boolean);
    if (!words('Types').includes('deb') || words('Enabled')[0] === 'no') return [];
    const shared = {
      suites: words('Suites'),
      components: words('Components'),
      keyring: keyFile(words('Signed-By')[0]),
      trusted: words('Trusted')[0] === 'yes',
    };
    return words('URIs').map((mirror) => ({ mirror, ...shared }));
  });
}

/** `Signed-By` may also be a fingerprint or the keys themselves, which other tools cannot use. */
const keyFile = (text: string | undefined): string | undefined => (text?.startsWith('/') ? text : undefined);

function readIfThere(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}
