/**
 * Measures tug beside dockerd and podman: `npm run bench [-- --only TEXT] [--rounds N] [--write FILE] [--cache FOLDER]`.
 * The images that are pulled, loaded and pushed are made once and kept in the cache's folder. Sets up what it needs (a private dockerd, a file system of its own) and takes it away again. Needs root.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { run, runChecked } from '../src/base/process.ts';
import { listMounts, unmount } from '../src/host/mount.ts';
import { buildScenarios } from './build-scenarios.ts';
import { composeScenarios } from './compose-scenarios.ts';
import { containerScenarios } from './container-scenarios.ts';
import { type Engine, floor, preparePodman, startDockerd, startTugd, withBuildKit } from './engines.ts';
import { importBusybox } from './image.ts';
import { imageScenarios } from './image-scenarios.ts';
import { type ImageSite, openImageSite } from './image-site.ts';
import { alternate, median, untilQuiet } from './measure.ts';
import { nameScenarios } from './name-scenarios.ts';
import { networkScenarios } from './network-scenarios.ts';
import { publishScenarios } from './publish-scenarios.ts';
import { formatReport, type Row } from './report.ts';
import { runOnce, type Scenario, scenarios } from './scenarios.ts';
import { installPeers } from './setup.ts';
import type { StepScenario } from './steps.ts';
import { endChildren, endMonitors, removeContainers, tidyUp } from './tidy.ts';
import { makeVolume } from './volume.ts';
import { volumeScenarios } from './volume-scenarios.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string' },
    write: { type: 'string' },
    engines: { type: 'string', default: 'dockerd,podman,tug' },
    cache: { type: 'string', default: path.join(tmpdir(), 'tug-bench-images') },
  },
});

const interrupted = new AbortController();
const engines: Engine[] = [];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (!interrupted.signal.aborted) endChildren(new Set(engines.flatMap(({ pid }) => pid ?? [])));
    interrupted.abort();
  });
installPeers();
const folder = mkdtempSync(path.join(tmpdir(), 'tugbench-'));
const runFolder = path.join('/run', path.basename(folder));
mkdirSync(runFolder);
let volume: Awaited<ReturnType<typeof makeVolume>> | undefined;
let site: ImageSite | undefined;
try {
  volume = await makeVolume(folder);
  await startEngines(volume.mountPoint);
  const rows: Row[] = [];
  const chosen = <T extends { name: string }>(all: readonly T[]) =>
    all.filter(({ name }) => name.includes(options.only));
  const add = (row: Row): void => {
    interrupted.signal.throwIfAborted(); // what is set up is taken away
    rows.push(row);
    console.error(`${row.scenario.name}: ${JSON.stringify(row.figures)} ${row.cpu ? JSON.stringify(row.cpu) : ''}`);
  };
  for (const scenario of chosen(scenarios)) add(await measure(scenario));
  for (const scenario of chosen(containerScenarios)) add(await measureSteps(scenario, undefined));
  for (const scenario of chosen(nameScenarios)) add(await measureSteps(scenario, undefined));
  for (const scenario of chosen(networkScenarios)) add(await measureSteps(scenario, undefined));
  for (const scenario of chosen(publishScenarios)) add(await measureSteps(scenario, undefined));
  for (const scenario of chosen(volumeScenarios)) add(await measureSteps(scenario, undefined));
  const builders = await withBuildKit(engines);
  for (const scenario of chosen(buildScenarios)) add(await measureSteps(scenario, undefined, builders));
  for (const scenario of chosen(composeScenarios)) add(await measureSteps(scenario, undefined));
  for (const scenario of chosen(imageScenarios)) {
    site ??= await openImageSite(engines, options.cache, volume.mountPoint);
    add(await measureSteps(scenario, site));
  }
  const report = formatReport(rows.some(({ figures }) => 'buildkit' in figures) ? builders : engines, rows);
  console.log(report);
  if (options.write) writeFileSync(options.write, report);
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  console.error('Interrupted: all that was made is taken away.');
  process.exitCode = 130;
} finally {
  const done = await tidyUp({
    'the site of images': () => site?.close(),
    ...Object.fromEntries(engines.map((engine) => [`containers of ${engine.name}`, () => removeContainers(engine)])),
    ...Object.fromEntries(engines.map((engine) => [engine.name, () => engine.stop()])),
    'processes that are left': () => {
      endChildren(new Set());
      endMonitors(path.basename(folder));
    },
    'network namespaces': async () => {
      for (const name of ['docker', 'podman', 'tug'])
        await run('ip', ['netns', 'delete', `tugbench-${name}-${process.pid}`]);
    },
    'the file system': () => volume?.remove(),
    'its folder': () => rmSync(folder, { recursive: true }),
    'mounts of engines': () => {
      for (const { target } of listMounts(runFolder).reverse()) unmount(target, { detach: true });
    },
    'the folder of engines': () => rmSync(runFolder, { recursive: true, force: true }),
  });
  if (!done) process.exitCode = 1;
}

async function startEngines(mountPoint: string): Promise<void> {
  const setup = { folder: mountPoint, runFolder, projectRoot: path.join(import.meta.dirname, '..') };
  const makers = { dockerd: startDockerd, podman: preparePodman, tug: startTugd };
  for (const [name, start] of Object.entries(makers)) {
    if (!options.engines.split(',').includes(name)) continue;
    interrupted.signal.throwIfAborted();
    const engine = await start(setup);
    engines.push(engine);
    await importBusybox(engine, folder);
    await command(engine, ['run', '-d', '--name', 'bench', 'busybox', 'sleep', '86400']);
  }
}

async function measure(scenario: Scenario): Promise<Row> {
  const rounds = scenario.kind === 'burst' ? scenario.rounds : Number(options.rounds ?? scenario.rounds);
  const figures: Record<string, number> = {};
  if (scenario.kind === 'once') {
    const results = await alternate(
      engines.map((engine) => () => runOnce(engine, scenario)),
      rounds,
    );
    for (const [index, engine] of engines.entries()) figures[engine.name] = median(results[index]!);
    return { scenario, figures };
  }
  const cpu: Record<string, number> = {};
  for (const engine of engines) {
    const burst = await untilQuiet(async () => {
      for (let index = 0; index < rounds; index += 1) await runOnce(engine, scenario);
    });
    figures[engine.name] = burst.wall / rounds;
    cpu[engine.name] = burst.cpu / rounds;
  }
  return { scenario, figures, cpu };
}

/** Round by round each engine in turn, so that whatever else the machine does falls on all alike. */
async function measureSteps<Site>(
  scenario: StepScenario<Site>,
  here: Site,
  among: readonly Engine[] = engines,
): Promise<Row> {
  const takers = scenario.engines?.includes('floor') ? [floor] : among;
  const chosen = takers.filter(({ name }) => scenario.engines?.includes(name) ?? true);
  const { warmUp = 0 } = scenario;
  const rounds = Number(options.rounds ?? scenario.rounds);
  const results = new Map<string, number[]>(chosen.map(({ name }) => [name, []]));
  const begun: Engine[] = [];
  try {
    for (const engine of chosen) {
      interrupted.signal.throwIfAborted();
      begun.push(engine);
      await scenario.before?.(engine, here);
    }
    for (let round = 0; round < rounds + warmUp; round += 1) {
      for (const engine of chosen) {
        interrupted.signal.throwIfAborted();
        const figure = await scenario.measure(engine, here);
        if (round >= warmUp) results.get(engine.name)?.push(figure);
      }
    }
  } catch (error) {
    await tidyUp(Object.fromEntries(begun.map((engine) => [engine.name, () => scenario.after?.(engine, here)])));
    throw error;
  }
  for (const engine of chosen) await scenario.after?.(engine, here);
  return { scenario, figures: Object.fromEntries([...results].map(([name, values]) => [name, median(values)])) };
}

function command(engine: Engine, args: readonly string[]): Promise<string> {
  const [file = '', ...before] = engine.dockerClient ? ['docker'] : engine.cli;
  return runChecked(file, [...before, ...args], { env: engine.env });
}
