import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { run } from '../../src/base/process.ts';
import { listMounts } from '../../src/host/mount.ts';
import type { TestEngine } from '../helpers/engine.ts';

/** What one part of the engine or the host says there is, by container id where it has ids. */
interface Facts {
  readonly running: string[];
  readonly all: string[];
  readonly runtime: string[];
  readonly mounts: string[];
  readonly monitors: string[];
  readonly bundles: string[];
  readonly namespaces: string[];
  /** What is wrong with the networks, as sentences. */
  readonly networks: string[];
  readonly dataFolders: string[];
  readonly intents: string[];
  readonly operationLeases: string[];
  readonly leaseHolders: string[];
  readonly volumes: string[];
  readonly volumeFolders: string[];
  readonly volumeUsers: string[];
  readonly halfImported: string[];
  readonly mountedVolumes: string[];
  readonly runningVolumes: string[];
}

/** Milliseconds in which what has just ended may still be on its way out. */
const patience = 100_000;

/**
 * Holds the engine's state against the world: database, runtime, mounts, monitors, network and leases must come to
 * tell the same story. Returns a sentence for each thing that still does not agree after a while; an empty list is the
 * goal.
 */
export async function disagreements(engine: TestEngine): Promise<string[]> {
  for (const end = performance.now() + patience; ; ) {
    const found = [...compare(await gather(engine)), ...buildFolders(engine), ...buildMounts(engine)];
    if (found.length === 0 || performance.now() > end) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function compare(facts: Facts): string[] {
  const same = (what: string, found: readonly string[], wanted: readonly string[]): string[] =>
    [...found].sort().join() === [...wanted].sort().join()
      ? []
      : [`${what}: [${short(found)}] where containers that run are [${short(wanted)}]`];
  const known = new Set(facts.all);
  const strangers = facts.dataFolders.filter((id) => !known.has(id));
  const orphans = facts.leaseHolders.filter(
    (holder) => holder.startsWith('container:') && !known.has(holder.slice(10)),
  );
  return [
    ...same('the runtime lists', facts.runtime, facts.running),
    ...same('mounted roots', facts.mounts, facts.running),
    ...same('monitors', facts.monitors, facts.running),
    ...same('bundles', facts.bundles, facts.running),
    ...same('network namespaces', facts.namespaces, facts.running),
    ...facts.networks,
    ...(strangers.length > 0 ? [`folders of containers that do not exist: ${short(strangers)}`] : []),
    ...facts.intents.map((intent) => `the journal still holds ${intent}`),
    ...facts.operationLeases.map((lease) => `a lease of a dead operation: ${lease}`),
    ...(facts.volumes.sort().join() === facts.volumeFolders.sort().join()
      ? []
      : [`folders of volumes: [${facts.volumeFolders}] where the volumes are [${facts.volumes}]`]),
    ...facts.volumeUsers.filter((id) => !known.has(id)).map((id) => `a volume is used by nobody: ${short([id])}`),
    ...facts.mountedVolumes
      .filter((name) => !facts.runningVolumes.includes(name))
      .map((name) => `the volume ${name} is mounted and nobody uses it`),
    ...facts.halfImported.map((folder) => `a volume was imported in part: ${folder}`),
    ...orphans.map((holder) => `a lease held by a container that does not exist: ${holder}`),
  ];
}

interface ShownContainer {
  readonly Id: string;
  readonly State: string;
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, unknown>> };
}

function buildFolders({ dataRoot, execRoot }: TestEngine): string[] {
  const roots = [path.join(dataRoot, 'builder/work'), path.join(execRoot, 'builder')];
  return roots
    .filter(existsSync)
    .flatMap((root) => readdirSync(root).map((name) => `a folder of a build that is over: ${path.join(root, name)}`));
}

/** Folders of cache mounts that no record of the cache knows, and contents of contexts that kept their names. */
function buildMounts(engine: TestEngine): string[] {
  using state = openState(engine);
  const known = state.column("SELECT id FROM build_cache WHERE kind = 'mount'");
  const root = path.join(engine.dataRoot, 'builder');
  return [
    ...entries(path.join(root, 'mounts')).filter((name) => !known.includes(name)),
    ...entries(root).filter((name) => name.startsWith('context-')),
  ].map((name) => `left of the builder: ${name}`);
}

async function gather(engine: TestEngine): Promise<Facts> {
  const listed = (await engine.api('GET', '/containers/json?all=1')).json<ShownContainer[]>();
  const running = listed.filter(({ State }) => State === 'running');
  const bundles = path.join(engine.execRoot, 'containers');
  const ids = (list: readonly { Id: string }[]): string[] => list.map(({ Id }) => Id);
  const volumeRoot = path.join(engine.dataRoot, 'volumes');
  using state = openState(engine);
  return {
    running: ids(running),
    all: ids(listed),
    runtime: await runtimeList(engine),
    mounts: mountedRoots(bundles),
    monitors: monitorsOf(bundles),
    bundles: entries(bundles),
    namespaces: entries(path.join(engine.execRoot, 'netns')).map((name) => name.replace(/^.*?([0-9a-f]{64}).*$/, '$1')),
    networks: await networkFaults(engine, running),
    dataFolders: entries(path.join(engine.dataRoot, 'containers')),
    intents: state.column("SELECT kind || ' ' || subject FROM intents"),
    operationLeases: state.column("SELECT holder || ' ' || key FROM leases WHERE kind = 'operation'"),
    leaseHolders: state.column('SELECT DISTINCT holder FROM leases'),
    volumes: state.column('SELECT name FROM volumes'),
    volumeFolders: entries(volumeRoot),
    halfImported: globSync(path.join(volumeRoot, '*/_data/.tug-import-*')),
    volumeUsers: state.column('SELECT DISTINCT container_id FROM volume_users'),
    mountedVolumes: listMounts(volumeRoot).map(({ target }) => path.relative(volumeRoot, target).split('/')[0] ?? ''),
    runningVolumes: state.column(
      `SELECT volume FROM volume_users WHERE container_id IN (${running.map(({ Id }) => `'${Id}'`).join()})`,
    ),
  };
}

function openState(engine: TestEngine) {
  const database = new DatabaseSync(path.join(engine.dataRoot, 'state.db'), { readOnly: true });
  return {
    column: (sql: string): string[] =>
      database
        .prepare(sql)
        .all()
        .map((row) => String(Object.values(row)[0])),
    [Symbol.dispose]: () => database.close(),
  };
}

async function runtimeList(engine: TestEngine): Promise<string[]> {
  const root = path.join(engine.execRoot, 'runtime/crun');
  const listed = await run('crun', ['--root', root, 'list', '-q']);
  return listed.stdout.split('\n').filter(Boolean);
}

const mountedRoots = (bundles: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target.startsWith(`${bundles}/`) && target.endsWith('/rootfs'))
    .map((target) => path.relative(bundles, target).split('/')[0]!);

/** Monitors of containers (not of execs), by the bundle in their command line. */
function monitorsOf(bundles: string): string[] {
  const found: string[] = [];
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = commandLine(pid);
    if (!words[0]?.endsWith('conmon') || words.includes('-e')) continue;
    const bundle = words.find((word) => word.startsWith(`${bundles}/`));
    if (bundle) found.push(path.relative(bundles, bundle).split('/')[0]!);
  }
  return found;
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it ended meanwhile
  }
}

interface ShownNetwork {
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly Containers: Readonly<Record<string, unknown>>;
}

/** Each network has its bridge, with a link for each of its containers, which say so too; and no bridge has no network. */
async function networkFaults(engine: TestEngine, running: readonly ShownContainer[]): Promise<string[]> {
  const listed = (await engine.api('GET', '/networks')).json<ShownNetwork[]>();
  const networks = await Promise.all(
    listed
      .filter(({ Driver }) => Driver === 'bridge')
      .map(async ({ Id }) => (await engine.api('GET', `/networks/${Id}`)).json<ShownNetwork>()),
  );
  const bridgeOf = ({ Id, Name }: ShownNetwork): string =>
    Name === 'bridge' ? engine.bridge : `br-${Id.slice(0, 12)}`;
  const faults: string[] = [];
  for (const network of networks) {
    const { Name, Containers } = network;
    const joined = Object.keys(Containers).sort();
    const told = running.filter(({ NetworkSettings }) => Name in NetworkSettings.Networks).map(({ Id }) => Id);
    if (told.sort().join() !== joined.join())
      faults.push(`the network ${Name} has [${short(joined)}] where containers say [${short(told)}]`);
    const links = await portsOf(bridgeOf(network));
    if (links !== joined.length) faults.push(`${links} links on the bridge of ${Name} for ${joined.length} containers`);
  }
  const own = new Set(networks.map(bridgeOf));
  const strangers = (await markedBridges(engine.bridge)).filter((name) => !own.has(name));
  return [...faults, ...strangers.map((name) => `the bridge ${name} belongs to no network`)];
}

/** The bridges that carry the same mark as the engine's default one. */
async function markedBridges(bridge: string): Promise<string[]> {
  const listed = await run('ip', ['-j', 'link', 'show', 'type', 'bridge']);
  const links = JSON.parse(listed.stdout || '[]') as { ifname?: string; ifalias?: string }[];
  const mark = links.find(({ ifname }) => ifname === bridge)?.ifalias;
  return links.flatMap(({ ifname, ifalias }) => (ifname && mark && ifalias === mark ? [ifname] : []));
}

/** Ports of the bridge. The kernel takes a link away some time after its namespace. */
async function portsOf(bridge: string): Promise<number> {
  const listed = await run('ip', ['-o', 'link', 'show', 'master', bridge]);
  return listed.stdout.split('\n').filter(Boolean).length;
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const short = (ids: readonly string[]): string => ids.map((id) => id.slice(0, 12)).join(' ');
