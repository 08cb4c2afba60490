import type { FileContext } from './check-file.ts';
import { checkReferences } from './check-references.ts';
import { withEnvironmentFiles } from './environment-files.ts';
import type { BuildModel, Dependency, FileModel, NetworkModel, Project, ServiceModel, VolumeModel } from './model.ts';
import { type MapNode, toPlain } from './node.ts';

type Named = { readonly name?: string; readonly external?: boolean };
type Section<T> = Readonly<Record<string, T>>;

const known = ['version', 'name', 'services', 'networks', 'volumes', 'configs', 'secrets'];

/**
 * The project of a merged file: names of its networks and volumes, the default network, what services need of one
 * another without saying so, and the variables of environment files.
 * @throws invalid for references to what is not there, and cycles.
 */
export function finish(tree: MapNode, name: string, context: FileContext): Project {
  const plain = toPlain(tree) as Record<string, unknown>;
  const given = (plain['services'] ?? {}) as Section<ServiceModel>;
  const services = mapValues(given, (service) => finishService(service, context));
  const usesDefault = Object.values(services).some((service) => service.networks && 'default' in service.networks);
  const networks = { ...((plain['networks'] ?? {}) as Section<Named>) };
  if (usesDefault) networks['default'] ??= {};
  const named = <T>(section: Section<Named>): Section<T> =>
    mapValues(section, (one, key) => ({ ...one, name: one.name ?? (one.external ? key : `${name}_${key}`) }) as T);
  const project: Project = {
    name,
    services,
    networks: named<NetworkModel>(networks),
    volumes: named<VolumeModel>((plain['volumes'] ?? {}) as Section<Named>),
    configs: named<FileModel>((plain['configs'] ?? {}) as Section<Named>),
    secrets: named<FileModel>((plain['secrets'] ?? {}) as Section<Named>),
    others: Object.fromEntries(Object.entries(plain).filter(([key]) => !known.includes(key))),
  };
  if (context.interpolate) checkReferences(project, tree);
  return project;
}

const mapValues = <From, To>(section: Section<From>, change: (value: From, key: string) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(section).map(([key, value]) => [key, change(value, key)]));

function finishService(given: ServiceModel, context: FileContext): ServiceModel {
  const service = context.interpolate ? withEnvironmentFiles(given, context) : given;
  const networks = service.networks ?? (service.network_mode === undefined ? { default: null } : undefined);
  const dependencies = impliedDependencies(service);
  return {
    ...service,
    command: service.command ?? null,
    entrypoint: service.entrypoint ?? null,
    ...(service.build ? { build: finishBuild(service.build, context) } : {}),
    ...(networks ? { networks } : {}),
    ...(Object.keys(dependencies).length > 0 ? { depends_on: dependencies } : {}),
  };
}

function finishBuild(build: BuildModel, context: FileContext): BuildModel {
  const context_ = build.context ?? context.folder;
  if (build.dockerfile !== undefined || build.dockerfile_inline !== undefined) return { ...build, context: context_ };
  return { ...build, context: context_, dockerfile: 'Dockerfile' };
}

/** What a service shares of others has to be there before it, and is new after they were restarted. */
function impliedDependencies(service: ServiceModel): Record<string, Dependency> {
  const dependencies: Record<string, Dependency> = { ...service.depends_on };
  const need = (name: string, restart: boolean): void => {
    dependencies[name] ??= { condition: 'service_started', required: true, ...(restart ? { restart: true } : {}) };
  };
  for (const mode of [service.network_mode, service.ipc, service.pid])
    if (mode?.startsWith('service:')) need(mode.slice('service:'.length), true);
  for (const link of service.links ?? []) need(link.split(':')[0]!, true);
  for (const source of service.volumes_from ?? [])
    if (!source.startsWith('container:')) need(source.split(':')[0]!, false);
  return dependencies;
}
