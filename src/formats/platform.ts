import type { Platform } from '../api/oci/image.ts';
import { invalid } from '../base/errors.ts';

const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
  ia32: '386',
  x64: 'amd64',
  armhf: 'arm',
  armel: 'arm',
};
const knownArchitectures = new Set(
  '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm'.split(' '),
);
const variantOf: Readonly<Record<string, string>> = { armhf: 'v7', armel: 'v6' };
const component = /^[A-Za-z0-9_.-]+$/;

/** The platform of this host, from Node's `process.arch`. */
export function hostPlatform(architecture: string = process.arch): Platform {
  return normalise('linux', architecture === 'ppc64' ? 'ppc64le' : architecture, undefined);
}

/**
 * Parses `--platform`: `os/arch[/variant]`, or an os or an architecture alone, the rest being the host's.
 * Other spellings (`x86_64`, `aarch64`, `arm64/v8`) become the usual ones.
 * @throws invalid for anything else.
 */
export function parsePlatform(text: string, host: Platform = hostPlatform()): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || parts.some((part) => !component.test(part))) {
    throw invalid(`invalid platform ${JSON.stringify(text)}: it must be OS/ARCH[/VARIANT], such as linux/arm64`);
  }
  const [first = '', second, variant] = parts.map((part) => part.toLowerCase());
  if (second !== undefined) return normalise(first, second, variant);
  const architecture = architectures[first] ?? first;
  if (knownArchitectures.has(architecture)) return normalise(host.os, first, undefined);
  return first === host.os ? host : { ...host, os: first };
}

function normalise(os: string, architecture: string, variant: string | undefined): Platform {
  const plain = architectures[architecture] ?? architecture;
  let rest = variant ?? variantOf[architecture];
  if (plain === 'arm') rest = rest === undefined ? 'v7' : rest.startsWith('v') ? rest : `v${rest}`;
  if (plain === 'arm64' && (rest === 'v8' || rest === '8')) rest = undefined;
  if (plain === 'amd64' && rest === 'v1') rest = undefined;
  return { os, architecture: plain, ...(rest === undefined ? {} : { variant: rest }) };
}

/** A platform in the usual spelling. */
export function normalisePlatform({ os, architecture, variant }: Platform): Platform {
  return normalise(os.toLowerCase(), architecture.toLowerCase(), variant?.toLowerCase() || undefined);
}

/** `linux/arm/v7`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant ? [variant] : [])].join('/');
}
