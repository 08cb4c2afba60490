import { messageOf } from '../../base/errors.ts';
import { parsePortSpec } from '../port-spec.ts';
import { list, map, type Node, type Place, scalar } from './node.ts';
import { asText, isMap, object, type Reading, type Shape, text, textOrNumber, wrong } from './shape.ts';

const longPort = object(
  () => ({
    name: text,
    mode: text,
    host_ip: text,
    target: portNumber,
    published: textOrNumber,
    protocol: text,
    app_protocol: text,
  }),
  { required: ['target'] },
);

const portNumber: Shape = (node, path, reading) => {
  const given = textOrNumber(node, path, reading);
  if (given.kind !== 'scalar' || given.value === null) return given;
  const value = Number(given.value);
  if (Number.isInteger(value) && value > 0 && value < 65536) return scalar(node.place, value);
  return wrong(node, path, reading, 'a port, 1 to 65535');
};

/** Published ports; each short form becomes one long form for every port of its range. */
export const ports: Shape = (node, path, reading) => {
  if (node.kind !== 'list') return wrong(node, path, reading, 'a list');
  const items = node.items.flatMap((item, at): Node[] => {
    const where = `${path}[${at}]`;
    if (item.kind === 'map') return [withDefaults(longPort(item, where, reading))];
    if (item.kind === 'list' || item.value === null || typeof item.value === 'boolean')
      return [wrong(item, where, reading, 'a port such as "8080:80"')];
    return fromShort(asText(item).text, item.place, where, reading);
  });
  return list(node.place, items);
};

function fromShort(given: string, place: Place, path: string, reading: Reading): Node[] {
  try {
    return parsePortSpec(given).map(({ port, hostIp, hostPort }) => {
      const [target = '', protocol = 'tcp'] = port.split('/');
      return portNode(place, { hostIp, target: Number(target), published: hostPort, protocol });
    });
  } catch (error) {
    reading.problems.add(place, `${path}: ${messageOf(error)}`);
    return [];
  }
}

function withDefaults(node: Node): Node {
  if (!isMap(node)) return node;
  const value = (key: string): string => {
    const found = node.entries.get(key)?.value;
    return found?.kind === 'scalar' && found.value !== null ? String(found.value) : '';
  };
  return portNode(node.place, {
    name: value('name'),
    mode: value('mode'),
    hostIp: value('host_ip'),
    target: Number(value('target')),
    published: value('published'),
    protocol: value('protocol') || 'tcp',
    appProtocol: value('app_protocol'),
  });
}

function portNode(
  place: Place,
  port: {
    readonly name?: string;
    readonly mode?: string;
    readonly hostIp: string;
    readonly target: number;
    readonly published: string;
    readonly protocol: string;
    readonly appProtocol?: string;
  },
): Node {
  const fields: [string, string | number][] = [
    ['name', port.name ?? ''],
    ['mode', port.mode || 'ingress'],
    ['host_ip', port.hostIp],
    ['target', port.target],
    ['published', port.published],
    ['protocol', port.protocol],
    ['app_protocol', port.appProtocol ?? ''],
  ];
  return map(
    place,
    fields.filter(([, value]) => value !== '').map(([key, value]) => [key, scalar(place, value)] as const),
  );
}
