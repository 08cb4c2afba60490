import { execFileSync } from 'node:child_process';
import { rmdirSync, rmSync } from 'node:fs';
import { messageOf } from '../../src/base/errors.ts';
import { listMounts, unmount } from '../../src/host/mount.ts';
import type { Difference } from './leaks.ts';

/**
 * Takes away what tests left, once it has been reported and its processes are gone, so that a failing run does not
 * make the next one fail. Touches only what is new and bears an engine's or a test's name.
 */
export function sweepLeftovers(differences: readonly Difference[]): void {
  const added = (subject: Difference['subject']): string[] =>
    differences.filter((each) => each.subject === subject && each.change === 'added').map(({ name }) => name);
  const folders = added('directories');
  const mounted = listMounts().filter(({ target }) => folders.some((folder) => `${target}/`.startsWith(`${folder}/`)));
  for (const { target } of mounted.reverse()) attempt(() => unmount(target, { detach: true }));
  for (const folder of folders) attempt(() => rmSync(folder, { recursive: true, force: true }));
  for (const link of added('links').filter((name) => /^(tg|tug|veth|t[0-9a-f]{5}-)/.test(name)))
    attempt(() => execFileSync('ip', ['link', 'delete', link]));
  for (const table of added('nft rules').filter((rule) => /^table \S+ tug\S*$/.test(rule)))
    attempt(() => execFileSync('nft', ['delete', ...table.split(' ')]));
  for (const group of added('cgroups').sort().reverse()) attempt(() => rmdirSync(group));
}

function attempt(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    console.log(`  could not be taken away: ${messageOf(error)}`);
  }
}
