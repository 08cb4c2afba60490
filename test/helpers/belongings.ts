import { readdirSync, readlinkSync } from 'node:fs';
import * as path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { run } from '../../src/base/process.ts';
import { listMounts } from '../../src/host/mount.ts';
import { engineNames } from '../../src/networks/engine-names.ts';
import type { TestEngine } from './engine.ts';
import { parseRuleset, relevantGroups } from './leaks.ts';
import { listProcesses } from './leaks-processes.ts';

/** How many things of each kind an engine has on the machine. */
export type Belongings = Readonly<Record<string, number>>;

/** Counts what belongs to an engine: files it has open, its processes, mounts, groups, namespaces, links, rules, folders. */
export async function belongings(engine: TestEngine): Promise<Belongings> {
  const id = engineId(engine);
  const ports = await run('ip', ['-o', 'link', 'show', 'master', engine.bridge]);
  const rules = await run('nft', ['list', 'table', 'inet', engineNames(id).table]);
  return {
    'open files': openFiles(engine.pid),
    processes: listProcesses().filter(({ command, parent }) => parent === engine.pid || command.includes(engine.root))
      .length,
    mounts: listMounts(engine.root).length,
    groups: relevantGroups().filter((group) => group.includes(id)).length,
    namespaces: entries(path.join(engine.execRoot, 'netns')),
    links: ports.stdout.split('\n').filter(Boolean).length,
    rules: parseRuleset(rules.stdout).length,
    folders: entries(path.join(engine.dataRoot, 'containers')) + entries(path.join(engine.execRoot, 'containers')),
  };
}

/** Those kinds of which there are more than before, once the kernel has had time to take links and sockets away: 30 s. */
export async function grown(engine: TestEngine, before: Belongings): Promise<string[]> {
  for (let attempt = 0; ; attempt += 1) {
    const after = await belongings(engine);
    const more = Object.keys(before).filter((kind) => (after[kind] ?? 0) > (before[kind] ?? 0));
    if (more.length === 0 || attempt === 120)
      return more.map((kind) => `${kind}: ${before[kind]} before, ${after[kind]} after`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Node opens one inotify when a program first watches a file, and keeps it. */
function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`) !== 'anon_inode:inotify';
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

function engineId(engine: TestEngine): string {
  const database = new DatabaseSync(path.join(engine.dataRoot, 'state.db'), { readOnly: true });
  try {
    return String(database.prepare("SELECT value FROM engine WHERE key = 'id'").get()?.['value']);
  } finally {
    database.close();
  }
}

function entries(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
}
