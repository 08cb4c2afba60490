/**
 * Measures tug beside dockerd and podman: `npm run bench [-- --only TEXT] [--rounds N] [--write FILE]`.
 * Sets up what it needs (a private dockerd, a file system of its own) and takes it away again. Needs root.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { runChecked } from '../src/base/process.ts';
import { listMounts, unmount } from '../src/host/mount.ts';
import { type Engine, preparePodman, startDockerd, startTugd } from './engines.ts';
import { importBusybox } from './image.ts';
import { alternate, median, untilQuiet } from './measure.ts';
import { formatReport, type Row } from './report.ts';
import { runOnce, type Scenario, scenarios } from './scenarios.ts';
import { installPeers } from './setup.ts';
import { makeVolume } from './volume.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string' },
    write: { type: 'string' },
    engines: { type: 'string', default: 'dockerd,podman,tug' },
  },
});

installPeers();
const folder = mkdtempSync(path.join(tmpdir(), 'tugbench-'));
const runFolder = path.join('/run', path.basename(folder));
mkdirSync(runFolder);
const volume = await makeVolume(folder);
const engines: Engine[] = [];
try {
  await startEngines();
  const rows: Row[] = [];
  for (const scenario of scenarios) {
    if (!scenario.name.includes(options.only)) continue;
    const row = await measure(scenario);
    rows.push(row);
    console.error(`${scenario.name}: ${JSON.stringify(row.wall)} ${row.cpu ? JSON.stringify(row.cpu) : ''}`);
  }
  const report = formatReport(engines, rows);
  console.log(report);
  if (options.write) writeFileSync(options.write, report);
} finally {
  for (const engine of engines) {
    await removeContainer(engine).catch(() => {}); // it may not have come up
    await engine.stop();
  }
  await volume.remove();
  rmSync(folder, { recursive: true });
  for (const { target } of listMounts(runFolder).reverse()) unmount(target, { detach: true });
  rmSync(runFolder, { recursive: true, force: true });
}

async function startEngines(): Promise<void> {
  const setup = { folder: volume.mountPoint, runFolder, projectRoot: path.join(import.meta.dirname, '..') };
  const makers = { dockerd: startDockerd, podman: preparePodman, tug: startTugd };
  for (const [name, start] of Object.entries(makers)) {
    if (!options.engines.split(',').includes(name)) continue;
    const engine = await start(setup);
    engines.push(engine);
    await importBusybox(engine, folder);
    await command(engine, ['run', '-d', '--name', 'bench', 'busybox', 'sleep', '86400']);
  }
}

async function measure(scenario: Scenario): Promise<Row> {
  const rounds = scenario.kind === 'burst' ? scenario.rounds : Number(options.rounds ?? scenario.rounds);
  const wall: Record<string, number> = {};
  if (scenario.kind === 'once') {
    const results = await alternate(
      engines.map((engine) => () => runOnce(engine, scenario)),
      rounds,
    );
    for (const [index, engine] of engines.entries()) wall[engine.name] = median(results[index]!);
    return { scenario, wall };
  }
  const cpu: Record<string, number> = {};
  for (const engine of engines) {
    const burst = await untilQuiet(async () => {
      for (let index = 0; index < rounds; index += 1) await runOnce(engine, scenario);
    });
    wall[engine.name] = burst.wall / rounds;
    cpu[engine.name] = burst.cpu / rounds;
  }
  return { scenario, wall, cpu };
}

async function removeContainer(engine: Engine): Promise<void> {
  await command(engine, ['rm', '-f', 'bench']);
}

function command(engine: Engine, args: readonly string[]): Promise<string> {
  const [file = '', ...before] = engine.dockerClient ? ['docker'] : engine.cli;
  return runChecked(file, [...before, ...args], { env: engine.env });
}
