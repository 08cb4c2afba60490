import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Engine } from './engines.ts';
import { measureFloor } from './floor.ts';
import { getJson } from './image-api.ts';
import { type ImageSite, names, removeBig } from './image-site.ts';
import { timed } from './measure.ts';
import { peakMemory } from './memory.ts';
import { type Client, runCommand, type StepScenario } from './steps.ts';

/** Measured with the big image at hand. */
export type ImageScenario = StepScenario<ImageSite>;

const rounds = 3;

/** podman asks for TLS on loopback too. */
const transfer = (engine: Engine, verb: 'pull' | 'push', name: string): string[] =>
  engine.dockerClient ? [verb, '-q', name] : [verb, '-q', '--tls-verify=false', name];

async function measureCommand(
  engine: Engine,
  site: ImageSite,
  args: readonly string[],
  client?: Client,
): Promise<number> {
  await site.settle();
  return timed(() => runCommand(engine, args, client));
}

const ensurePulled = (engine: Engine): Promise<void> => runCommand(engine, transfer(engine, 'pull', names.pulled));

async function measureSave(engine: Engine, site: ImageSite, client: Client): Promise<number> {
  const file = path.join(site.folder, `saved-${engine.name}.tar`);
  try {
    return await measureCommand(engine, site, ['save', '-o', file, names.pulled], client);
  } finally {
    fs.rmSync(file, { force: true });
  }
}

async function measurePush(engine: Engine, site: ImageSite): Promise<number> {
  site.emptyTarget(engine);
  return measureCommand(engine, site, transfer(engine, 'push', names.pushed));
}

async function measureCommit(engine: Engine, site: ImageSite, client: Client): Promise<number> {
  await runCommand(engine, ['exec', 'bench', 'sh', '-c', 'date >/changed; echo $$ >>/changed']);
  try {
    return await measureCommand(engine, site, ['commit', 'bench', names.committed], client);
  } finally {
    await runCommand(engine, ['rmi', '-f', names.committed]);
  }
}

const commit = (client: Client): ImageScenario => ({
  name: `image: commit of a small change${client === 'own' ? ', own command line' : ''}`,
  kind: 'steps',
  unit: 'ms',
  limit: 50,
  rounds: 7,
  warmUp: 1,
  measure: (engine, site) => measureCommit(engine, site, client),
});

/** An answer of the API, in milliseconds, by an engine that has 500 images. */
const listRow = (what: string, path: string, limit: number): ImageScenario => ({
  name: `image: ${what}, at the API`,
  kind: 'steps',
  unit: 'ms',
  limit,
  rounds: 20,
  warmUp: 3,
  engines: ['dockerd', 'tug'],
  before: (engine, site) => runCommand(engine, ['load', '-q', '-i', site.fixture.many]),
  measure: (engine) => timed(() => getJson(engine, path)),
});

/** The images' rows. The last ones fill the engines with 500 images and leave them there. */
export const imageScenarios: readonly ImageScenario[] = [
  {
    name: 'image: pull',
    kind: 'steps',
    unit: 'ms',
    target: 0.35,
    rounds,
    async measure(engine, site) {
      await removeBig(engine);
      return measureCommand(engine, site, transfer(engine, 'pull', names.pulled));
    },
  },
  {
    name: 'image: load',
    kind: 'steps',
    unit: 'ms',
    target: 0.35,
    rounds,
    async measure(engine, site) {
      await removeBig(engine);
      return measureCommand(engine, site, ['load', '-q', '-i', site.fixture.archive]);
    },
    after: removeBig,
  },
  {
    name: 'image: floor of pull (decompressor to tar -x, two at a time)',
    kind: 'steps',
    unit: 'ms',
    rounds,
    engines: ['floor'],
    measure: (_, site) => measureFloor(site),
  },
  {
    name: 'image: save',
    kind: 'steps',
    unit: 'ms',
    target: 0.25,
    rounds,
    before: ensurePulled,
    measure: (engine, site) => measureSave(engine, site, 'docker'),
  },
  {
    name: 'image: save, own command line',
    kind: 'steps',
    unit: 'ms',
    target: 0.25,
    rounds,
    before: ensurePulled,
    measure: (engine, site) => measureSave(engine, site, 'own'),
    after: removeBig,
  },
  {
    name: 'image: push of new layers',
    kind: 'steps',
    unit: 'ms',
    target: 0.5,
    rounds,
    async measure(engine, site) {
      await removeBig(engine); // and with it what an engine keeps of an earlier push
      await runCommand(engine, ['load', '-q', '-i', site.fixture.archive]);
      await runCommand(engine, ['tag', names.loaded, names.pushed]);
      return measurePush(engine, site);
    },
    after: removeBig,
  },
  {
    name: 'image: push of an image that was pulled',
    kind: 'steps',
    unit: 'ms',
    rounds,
    async before(engine) {
      await ensurePulled(engine);
      await runCommand(engine, ['tag', names.pulled, names.pushed]);
    },
    measure: measurePush,
    after: removeBig,
  },
  {
    name: 'image: import',
    kind: 'steps',
    unit: 'ms',
    target: 0.6,
    rounds,
    async measure(engine, site) {
      await removeBig(engine);
      return measureCommand(engine, site, ['import', site.fixture.tree, names.imported]);
    },
    after: removeBig,
  },
  commit('docker'),
  commit('own'),
  {
    name: 'image: peak memory (PSS) of the daemon, pull of a 2 GB image',
    kind: 'steps',
    unit: 'MB',
    limit: 300,
    rounds: 1,
    engines: ['dockerd', 'tug'],
    measure: (engine) => peakMemory(engine, () => runCommand(engine, transfer(engine, 'pull', names.memory))),
    after: (engine) => runCommand(engine, ['rmi', '-f', names.memory]),
  },
  listRow('images with 500 images', '/images/json', 30),
  listRow('system df -v with 500 images', '/system/df?verbose=1', 100),
];
