import { messageOf } from '../../base/errors.ts';
import { parseVolumeSpec } from '../volume-spec.ts';
import { getText, list, type MapNode, map, type Node, type Place, scalar } from './node.ts';
import { boolean, isMap, object, oneOf, type Reading, type Shape, text, textOrNumber, wrong } from './shape.ts';
import { bytes, fileMode, labels, resolvePath } from './values.ts';

const longMount = object(
  () => ({
    type: oneOf('bind', 'volume', 'tmpfs', 'cluster', 'npipe', 'image'),
    source: text,
    target: text,
    read_only: boolean,
    consistency: text,
    bind: object(() => ({
      propagation: text,
      create_host_path: boolean,
      recursive: oneOf('enabled', 'disabled', 'writable', 'readonly'),
      selinux: oneOf('z', 'Z'),
    })),
    volume: object(() => ({ labels, nocopy: boolean, subpath: text })),
    tmpfs: object(() => ({ size: bytes, mode: fileMode })),
    image: object(() => ({ subpath: text })),
  }),
  { required: ['type', 'target'] },
);

/** What is mounted into a service's containers: `[SOURCE:]TARGET[:MODE]` or the long form. */
export const mounts: Shape = (node, path, reading) => {
  if (node.kind !== 'list') return wrong(node, path, reading, 'a list');
  return list(
    node.place,
    node.items.map((item, at) => {
      const where = `${path}[${at}]`;
      if (item.kind === 'map') return longForm(longMount(item, where, reading), where, reading);
      const given = text(item, where, reading);
      return given.kind === 'scalar' && typeof given.value === 'string'
        ? fromShort(given.value, item.place, where, reading)
        : given;
    }),
  );
};

function longForm(node: Node, path: string, reading: Reading): Node {
  if (!isMap(node)) return node;
  const source = getText(node, 'source');
  if (getText(node, 'type') !== 'bind') return node;
  if (source === undefined) {
    reading.problems.add(node.place, `${path}: a bind mount needs a source`);
    return node;
  }
  const entries = new Map(node.entries);
  entries.set('source', { place: node.place, value: scalar(node.place, resolvePath(source, reading)) });
  return { ...node, entries } satisfies MapNode;
}

function fromShort(given: string, place: Place, path: string, reading: Reading): Node {
  try {
    const parts = given.split(':');
    const isPath = parts.length > 1 && /^[./~]/.test(parts[0]!);
    const absolute = isPath ? [resolvePath(parts[0]!, reading), ...parts.slice(1)].join(':') : given;
    const spec = parseVolumeSpec(absolute);
    const fields: [string, Node][] = [['type', scalar(place, spec.type)]];
    if (spec.source !== undefined) fields.push(['source', scalar(place, spec.source)]);
    fields.push(['target', scalar(place, spec.target)]);
    if (spec.readOnly) fields.push(['read_only', scalar(place, true)]);
    if (spec.type === 'bind') {
      const bind: [string, Node][] = [['create_host_path', scalar(place, true)]];
      if (spec.propagation !== undefined) bind.push(['propagation', scalar(place, spec.propagation)]);
      if (spec.relabel !== undefined) bind.push(['selinux', scalar(place, spec.relabel)]);
      fields.push(['bind', map(place, bind)]);
    } else fields.push(['volume', map(place, spec.noCopy ? [['nocopy', scalar(place, true)]] : [])]);
    return map(place, fields);
  } catch (error) {
    reading.problems.add(place, `${path}: ${messageOf(error)}`);
    return scalar(place, null);
  }
}

const longFile = object(() => ({ source: text, target: text, uid: textOrNumber, gid: textOrNumber, mode: fileMode }), {
  required: ['source'],
});

/** Configs or secrets of a service: a name, or the long form. */
export const mountedFiles: Shape = (node, path, reading) => {
  if (node.kind !== 'list') return wrong(node, path, reading, 'a list');
  return list(
    node.place,
    node.items.map((item, at) => {
      const where = `${path}[${at}]`;
      if (item.kind === 'map') return longFile(item, where, reading);
      return map(item.place, [['source', text(item, where, reading)]]);
    }),
  );
};
