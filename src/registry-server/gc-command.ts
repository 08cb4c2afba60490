import { parseArgs } from 'node:util';
import { conflict, invalid, messageOf } from '../base/errors.ts';
import { humanSize } from '../formats/bytes.ts';
import { openStorage } from './builtins.ts';
import { loadRegistryConfig } from './config/load.ts';
import type { StorageDriver } from './contract.ts';
import { type CareConfig, careOnce } from './gc/care.ts';
import { asOnlyCollector } from './gc/lease.ts';

/** `tug-registry gc [--config FILE] [--dry-run]`: says on stdout what it removes and why, while the registry is used. */
export async function gcCommand(args: readonly string[]): Promise<number> {
  const flags = parse(args);
  const config = loadRegistryConfig(flags.config, process.env);
  const storage = openStorage(config.storage);
  try {
    if (flags.dryRun) return await run(storage, config, true);
    let code = 0;
    const done = await asOnlyCollector(storage, async () => {
      code = await run(storage, config, false);
    });
    if (!done)
      throw conflict('another process is collecting this registry; one that was killed is waited for a minute');
    return code;
  } finally {
    await storage.close?.();
  }
}

async function run(storage: StorageDriver, config: CareConfig, dryRun: boolean): Promise<number> {
  const word = dryRun ? 'would remove' : 'removed';
  const say = (what: string, why: string): void => void process.stdout.write(`${word} ${what}: ${why}\n`);
  const { tags, manifests, blobs, bytes, links, damaged } = await careOnce(storage, config, { dryRun, say });
  const counts = `${tags} tags, ${manifests} manifests, ${links} links and ${blobs} blobs of ${humanSize(bytes)}`;
  process.stdout.write(`${word} ${counts}\n`);
  for (const manifest of damaged) {
    process.stderr.write(`the manifest ${manifest} cannot be read: all blobs of its repository were kept\n`);
  }
  return damaged.length > 0 ? 1 : 0;
}

function parse(args: readonly string[]): { config: string | undefined; dryRun: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string' }, 'dry-run': { type: 'boolean' } },
    });
    if (positionals.length > (values.config === undefined ? 1 : 0)) throw new Error('only one configuration is read');
    return { config: values.config ?? positionals[0], dryRun: values['dry-run'] ?? false };
  } catch (error) {
    throw invalid(messageOf(error), { cause: error });
  }
}
