import { buildBases } from './build-shape.ts';
import type { Project, ServiceModel } from './model.ts';
import { getNode, type MapNode, type Node, type Place } from './node.ts';
import { didYouMean, problem } from './problems.ts';

/** @throws invalid for a service without an image, references to what the project does not have, and cycles. */
export function checkReferences(project: Project, tree: MapNode): void {
  const services = getNode(tree, 'services');
  for (const [name, service] of Object.entries(project.services)) {
    const node = getNode(services, name);
    const place = (key: string): Place => (getNode(node, key) ?? node ?? tree).place;
    checkService(name, service, project, place);
    checkNames(name, service, project, node ?? tree);
  }
  const top = services ?? tree;
  checkCycles(project, top, 'depends_on', (service) => Object.keys(service.depends_on ?? {}));
  checkCycles(project, top, 'build', buildBases);
}

function checkService(name: string, service: ServiceModel, project: Project, place: (key: string) => Place): void {
  if (service.image === undefined && !service.build && !service.provider)
    throw problem(
      place(''),
      `service "${name}" has neither an image nor a build context specified: invalid compose project`,
    );
  if (service.network_mode !== undefined && service.networks)
    throw problem(
      place('network_mode'),
      `service ${name} declares mutually exclusive \`network_mode\` and \`networks\`: invalid compose project`,
    );
  const replicas = service.scale ?? service.deploy?.replicas ?? 1;
  if (service.container_name !== undefined && replicas > 1)
    throw problem(
      place('container_name'),
      `services.${name}: can't set container_name and ${service.scale === undefined ? 'deploy.replicas' : 'scale'} > 1: a name is unique`,
    );
  if (
    service.scale !== undefined &&
    service.deploy?.replicas !== undefined &&
    service.scale !== service.deploy.replicas
  )
    throw problem(
      place('scale'),
      `services.${name}: can't set distinct values on 'scale' and 'deploy.replicas': invalid compose project`,
    );
  for (const [key, mode] of [
    ['network_mode', service.network_mode],
    ['ipc', service.ipc],
    ['pid', service.pid],
  ] as const) {
    const other = mode?.startsWith('service:') ? mode.slice('service:'.length) : undefined;
    if (other !== undefined && !(other in project.services))
      throw problem(
        place(key),
        `service "${name}" refers to undefined service "${other}" in ${key}: invalid compose project`,
      );
  }
}

function checkNames(name: string, service: ServiceModel, project: Project, node: Node): void {
  const fail = (key: string, item: string, text: string, known: object): never => {
    const at = getNode(node, key);
    const place = at?.kind === 'map' ? at.entries.get(item)?.place : undefined;
    throw problem(
      place ?? (at ?? node).place,
      `service "${name}" ${text}: invalid compose project${didYouMean(item, Object.keys(known))}`,
    );
  };
  for (const [other, { required }] of Object.entries(service.depends_on ?? {}))
    if (required && !(other in project.services))
      fail('depends_on', other, `depends on undefined service "${other}"`, project.services);
  for (const network of Object.keys(service.networks ?? {}))
    if (!(network in project.networks))
      fail('networks', network, `refers to undefined network ${network}`, project.networks);
  for (const { type, source } of service.volumes ?? [])
    if (type === 'volume' && source !== undefined && !(source in project.volumes))
      fail('volumes', source, `refers to undefined volume ${source}`, project.volumes);
  for (const other of buildBases(service))
    if (!(other in project.services))
      fail('build', other, `is built from undefined service "${other}"`, project.services);
  for (const { source } of service.configs ?? [])
    if (!(source in project.configs)) fail('configs', source, `refers to undefined config ${source}`, project.configs);
  for (const { source } of service.secrets ?? [])
    if (!(source in project.secrets)) fail('secrets', source, `refers to undefined secret ${source}`, project.secrets);
}

function checkCycles(
  project: Project,
  services: Node,
  key: string,
  needs: (service: ServiceModel) => readonly string[],
): void {
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    if (trail.includes(name)) {
      const loop = [...trail.slice(trail.indexOf(name)), name];
      const place = getNode(getNode(services, loop[0]!), key)?.place ?? services.place;
      throw problem(place, `dependency cycle detected: ${loop.join(' -> ')}`);
    }
    if (done.has(name)) return;
    for (const next of needs(project.services[name] ?? {})) visit(next, [...trail, name]);
    done.add(name);
  };
  for (const name of Object.keys(project.services)) visit(name, []);
}
