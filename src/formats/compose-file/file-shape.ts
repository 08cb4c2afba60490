import { getText, isNull, list, type MapNode, map, type Node, scalar, withKeys } from './node.ts';
import { service, serviceName } from './service-shape.ts';
import {
  boolean,
  integer,
  isMap,
  listOf,
  mapOf,
  object,
  type Shape,
  text,
  textOrList,
  textOrNumber,
  texts,
} from './shape.ts';
import { hostPath, labels } from './values.ts';

/** A whole compose file (compose specification). */
export const composeFile: Shape = object(() => ({
  version: textOrNumber,
  name: text,
  include: includes,
  services: mapOf(service, { name: serviceName }),
  networks: mapOf(orNothing(network), { name: serviceName }),
  volumes: mapOf(orNothing(volume), { name: serviceName }),
  secrets: mapOf(external(secret), { name: serviceName }),
  configs: mapOf(external(config), { name: serviceName }),
  models: mapOf(model, { name: serviceName }),
}));

const driverOptions = mapOf(textOrNumber);

const network = object(() => ({
  name: text,
  driver: text,
  driver_opts: driverOptions,
  ipam: object(() => ({
    driver: text,
    config: listOf(object(() => ({ subnet: text, ip_range: text, gateway: text, aux_addresses: mapOf(text) }))),
    options: mapOf(textOrNumber),
  })),
  external: boolean,
  internal: boolean,
  enable_ipv4: boolean,
  enable_ipv6: boolean,
  attachable: boolean,
  labels,
}));

const volume = object(() => ({ name: text, driver: text, driver_opts: driverOptions, external: boolean, labels }));

const secret = object(() => ({
  name: text,
  environment: text,
  file: hostPath,
  external: boolean,
  labels,
  driver: text,
  driver_opts: driverOptions,
  template_driver: text,
}));

const config = object(() => ({
  name: text,
  content: text,
  environment: text,
  file: hostPath,
  external: boolean,
  labels,
  template_driver: text,
}));

const model = object(() => ({ name: text, model: text, context_size: integer, runtime_flags: texts }), {
  required: ['model'],
});

/** `external: {name: x}` of older files is `external: true` with a name. */
function external(shape: Shape): Shape {
  return (node, path, reading) => {
    const given = isMap(node) ? node.entries.get('external')?.value : undefined;
    if (!isMap(node) || !isMap(given)) return shape(node, path, reading);
    const name = getText(given, 'name');
    const flat: MapNode = withKeys(node, {
      external: scalar(given.place, true),
      ...(name === undefined ? {} : { name: scalar(given.place, name) }),
    });
    return shape(flat, path, reading);
  };
}

const orNothing = (shape: Shape): Shape => {
  const read = external(shape);
  return (node, path, reading) => (isNull(node) ? map(node.place, []) : read(node, path, reading));
};

const longInclude = object(() => ({ path: textOrList, env_file: textOrList, project_directory: text }));

const includes: Shape = (node, path, reading) => {
  const long = (item: Node): Node => (item.kind === 'map' ? item : map(item.place, [['path', item]]));
  return listOf((item, where) => longInclude(long(item), where, reading))(
    node.kind === 'list' ? node : list(node.place, [node]),
    path,
    reading,
  );
};
