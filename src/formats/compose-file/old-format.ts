import { getNode, getText, type MapNode, map, type Node, scalar, withKeys } from './node.ts';

const topLevelKeys = ['services', 'networks', 'volumes', 'secrets', 'configs', 'include', 'models', 'name'];

/**
 * A file of the first format, in which services stand at the top level, as one of today; other trees are returned as
 * they are. Services of the first format that have no network of their own see each other by name.
 */
export function fromOldFormat(tree: Node): Node {
  if (tree.kind !== 'map' || !isFirstFormat(tree)) return tree;
  const services = [...tree.entries].filter(([key]) => key !== 'version' && !key.startsWith('x-'));
  return map(tree.place, [
    [
      'services',
      { ...tree, entries: new Map(services.map(([name, entry]) => [name, { ...entry, value: convert(entry.value) }])) },
    ],
  ]);
}

function isFirstFormat(tree: MapNode): boolean {
  if (topLevelKeys.some((key) => tree.entries.has(key))) return false;
  const version = getText(tree, 'version');
  if (version !== undefined && !/^1(\.|$)/.test(version)) return false;
  const services = [...tree.entries].filter(([key]) => key !== 'version' && !key.startsWith('x-'));
  const looksLikeOne = ({ value }: { value: Node }): boolean =>
    ['image', 'build', 'extends', 'command', 'ports', 'volumes', 'environment'].some(
      (key) => getNode(value, key) !== undefined,
    );
  return (
    services.length > 0 &&
    services.every(([, { value }]) => value.kind === 'map') &&
    services.some(([, entry]) => looksLikeOne(entry))
  );
}

function convert(service: Node): Node {
  if (service.kind !== 'map') return service;
  const changes: Record<string, Node | undefined> = {};
  const net = getText(service, 'net');
  if (net !== undefined) {
    const place = getNode(service, 'net')!.place;
    changes['net'] = undefined;
    changes['network_mode'] = scalar(place, net);
  }
  const build = getNode(service, 'build');
  const dockerfile = getNode(service, 'dockerfile');
  if (build?.kind === 'scalar' && dockerfile) {
    changes['dockerfile'] = undefined;
    changes['build'] = map(build.place, [
      ['context', build],
      ['dockerfile', dockerfile],
    ]);
  }
  const driver = getNode(service, 'log_driver');
  const options = getNode(service, 'log_opt');
  if (driver || options) {
    changes['log_driver'] = undefined;
    changes['log_opt'] = undefined;
    changes['logging'] = map((driver ?? options)!.place, [
      ...(driver ? [['driver', driver] as const] : []),
      ...(options ? [['options', options] as const] : []),
    ]);
  }
  return withKeys(service, changes);
}
