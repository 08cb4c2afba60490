import { parseArgs } from 'node:util';
import { invalid, messageOf } from '../base/errors.ts';
import { humanSize } from '../formats/bytes.ts';
import { openStorage } from './builtins.ts';
import { loadRegistryConfig } from './config/load.ts';
import type { StorageDriver } from './contract.ts';
import { repositorySizes } from './quota/usage.ts';
import { matcher } from './retention/rules.ts';

/**
 * `tug-registry du [--config FILE] [--json] [PATTERN...]`: what each repository takes. A blob that several have is
 * counted in each, and once in the total.
 */
export async function duCommand(args: readonly string[]): Promise<number> {
  const flags = parse(args);
  const storage = openStorage(loadRegistryConfig(flags.config, process.env).storage);
  try {
    await show(storage, flags);
    return 0;
  } finally {
    await storage.close?.();
  }
}

async function show(storage: StorageDriver, { json, patterns }: DuFlags): Promise<void> {
  const line = (...columns: (string | number)[]): string =>
    `${columns.map((column, place) => (place < 3 ? String(column).padEnd(place === 0 ? 40 : 12) : column)).join('')}\n`;
  const fits = patterns.map(matcher);
  const wanted = (repository: string): boolean => fits.length === 0 || fits.some((fit) => fit(repository));
  const all = new Map<string, number>();
  if (!json) process.stdout.write(line('REPOSITORY', 'MANIFESTS', 'BLOBS', 'SIZE'));
  for await (const { digests, ...size } of repositorySizes(storage, wanted)) {
    for (const [digest, bytes] of digests) all.set(digest, bytes);
    const { repository, manifests, blobs, bytes } = size;
    process.stdout.write(json ? `${JSON.stringify(size)}\n` : line(repository, manifests, blobs, humanSize(bytes)));
  }
  const total = [...all.values()].reduce((sum, bytes) => sum + bytes, 0);
  if (!json) process.stdout.write(`Total, each blob once: ${humanSize(total)}\n`);
}

interface DuFlags {
  readonly config: string | undefined;
  readonly json: boolean;
  readonly patterns: readonly string[];
}

function parse(args: readonly string[]): DuFlags {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string' }, json: { type: 'boolean' } },
    });
    return { config: values.config, json: values.json ?? false, patterns: positionals };
  } catch (error) {
    throw invalid(messageOf(error), { cause: error });
  }
}
