import type { ContainerInspect } from '../../src/api/types/container.ts';
import { run } from '../../src/base/process.ts';
import type { TestEngine } from './engine.ts';

/** Debian's Docker Compose 1.29, the last one in Python; newer systems have another program of the name. */
export async function oldCompose(): Promise<string | undefined> {
  const found = await run('docker-compose', ['version', '--short']).catch(() => undefined);
  return found?.stdout.startsWith('1.29.') ? undefined : 'Docker Compose 1.29 is not here (Debian 12: docker-compose)';
}

/** Runs it against a test's engine. */
export const runOldCompose = (
  engine: TestEngine,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ReturnType<typeof run> =>
  run('docker-compose', args, {
    timeout: 300_000,
    env: { ...engine.clientEnv(), COMPOSE_HTTP_TIMEOUT: '250', ...env },
  });

const label = (name: string): string => `com.docker.compose.${name}`;

/** The containers, networks and volumes of a project, without what no two of a kind have in common. */
export async function describeProject(engine: TestEngine, project: string): Promise<Record<string, unknown>> {
  const get = async (path: string): Promise<unknown> => JSON.parse((await engine.api('GET', path)).text);
  const filters = encodeURIComponent(JSON.stringify({ label: [`${label('project')}=${project}`] }));
  const listed = (await get(`/containers/json?all=1&filters=${filters}`)) as { Id: string }[];
  const containers = (await Promise.all(listed.map(({ Id }) => get(`/containers/${Id}/json`)))) as ContainerInspect[];
  const names = new Map(containers.map((one) => [one.Id, placeOf(one)]));
  const networks = (await get(`/networks?filters=${filters}`)) as Record<string, unknown>[];
  const { Volumes: volumes } = (await get(`/volumes?filters=${filters}`)) as { Volumes: Record<string, unknown>[] };
  const rows: [string, unknown][] = [
    ...containers.map((one): [string, unknown] => [placeOf(one), describe(one, names, project)]),
    ...networks.map(({ Name, Driver, Internal, Options, Labels }): [string, unknown] => [
      `network ${Name}`,
      compact({ Driver, Internal, Options, Labels: ownLabels(Labels) }),
    ]),
    ...volumes.map(({ Name, Driver, Options, Labels }): [string, unknown] => [
      `volume ${Name}`,
      compact({ Driver, Options, Labels: ownLabels(Labels) }),
    ]),
  ];
  return Object.fromEntries(rows.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

const placeOf = ({ Config }: ContainerInspect): string => {
  const labels = Config['Labels'] as Record<string, string>;
  return `${labels[label('service')]} ${labels[label('container-number')]}`;
};

/** What both say alike; they tell of themselves and of the files in labels of their own. */
const spoken = ['project', 'service', 'container-number', 'oneoff', 'network', 'volume'].map(label);
const ownLabels = (labels: unknown): unknown =>
  Object.fromEntries(
    Object.entries((labels ?? {}) as Record<string, string>).filter(
      ([name]) => spoken.includes(name) || !name.startsWith(label('')),
    ),
  );

function describe(container: ContainerInspect, names: ReadonlyMap<string, string>, project: string): unknown {
  const byName = (text: string): string => {
    let named = text;
    for (const [id, name] of names) named = named.replaceAll(id, name).replaceAll(id.slice(0, 12), name);
    // 1.29 joins the parts of a name with underscores
    return named.replaceAll(new RegExp(`\\b(${project})_(\\w+)_(\\d+)\\b`, 'g'), '$1-$2-$3');
  };
  const { Config, HostConfig, Mounts, NetworkSettings, State, Path, Args } = container;
  const name = byName(container.Name.slice(1));
  // Output is attached by whoever attaches; a volume may be asked for in three ways, `Mounts` says what came of it.
  const { AttachStdout: _, AttachStderr: __, NetworkDisabled: ___, Volumes: ____, Labels, ...config } = Config;
  const { Binds: _b, Mounts: _m, Links: _l, VolumesFrom: _v, DependsOn: _d, ...host } = HostConfig;
  const said = compact({
    Name: name,
    Path,
    Args,
    Running: State.Running,
    Config: { ...config, Env: sorted(config['Env']) },
    Labels: ownLabels(Labels),
    HostConfig: host,
    Mounts: Mounts.toSorted((left, right) => (left.Destination < right.Destination ? -1 : 1)).map(
      ({ Type, Name: volume, Source, Destination, RW, Driver }) => ({
        ...{ Type, Destination, RW, Driver },
        From: Type === 'bind' ? Source : /^[0-9a-f]{64}$/.test(volume ?? '') ? 'without a name' : volume,
      }),
    ),
    Networks: Object.fromEntries(
      // names of the container's own: its id, and that which it is found by in any case
      Object.entries(NetworkSettings.Networks).map(([network, { Aliases }]) => [
        network,
        sorted((Aliases ?? []).map(byName).filter((alias) => alias !== name && alias !== placeOf(container))),
      ]),
    ),
  });
  return JSON.parse(byName(JSON.stringify(said)));
}

const sorted = (list: unknown): unknown => (Array.isArray(list) ? [...new Set(list)].toSorted() : list);

/** Without what is empty: `null`, `[]`, `{}`, `""`, `false` and 0 all say nothing. */
function compact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(compact);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value)
    .map(([key, one]) => [key, compact(one)] as const)
    .filter(([, one]) => one && (typeof one !== 'object' || Object.keys(one).length > 0))
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(kept);
}
