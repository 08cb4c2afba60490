import { invalid, unsupported } from '../base/errors.ts';
import type { BuildModel, Project, ServiceModel } from '../formats/compose-file/model.ts';
import { fileUses } from './service-mounts.ts';

/**
 * Finds what files ask of services that an engine on one host cannot do, before anything is made.
 * @returns sentences on what is not heeded, and changes nothing here. @throws unsupported for what cannot be left out.
 */
export function checkSupported(project: Project, services: readonly string[]): string[] {
  for (const name of services) {
    const service = project.services[name]!;
    refuseKeys(name, service);
    refuseMounts(name, service);
    fileUses(project, service);
    if (service.build) refuseBuildKeys(name, service.build);
  }
  return services.flatMap((name) => unheeded(name, project.services[name]!.deploy ?? {}));
}

const refusedKeys = {
  credential_spec: 'credential specs are for Windows',
  provider: 'programs that stand for a service are not run',
  models: 'models are run by Docker Model Runner, not by an engine',
  pull_refresh_after: 'write pull_policy: every_DURATION instead',
  use_api_socket: 'give the service the socket as a volume instead',
} as const;

function refuseKeys(name: string, service: ServiceModel): void {
  for (const [key, reason] of Object.entries(refusedKeys))
    if ((service as Record<string, unknown>)[key]) throw unsupported(`services.${name}.${key}: ${reason}`);
  const mode = service.deploy?.mode;
  if (mode !== undefined && !['replicated', 'global', 'replicated-job', 'global-job'].includes(mode))
    throw invalid(`services.${name}.deploy.mode: ${mode} is none of replicated, global, replicated-job, global-job`);
}

function refuseMounts(name: string, { volumes = [] }: ServiceModel): void {
  const foreign = volumes.find(({ type }) => type === 'cluster' || type === 'npipe');
  if (foreign)
    throw unsupported(
      `services.${name}.volumes: mounts of type ${foreign.type} are for other kinds of engines (at ${foreign.target})`,
    );
}

/** @throws unsupported for what a build here cannot be given. */
export function refuseBuildKeys(name: string, build: BuildModel): void {
  const { isolation = 'default' } = build;
  if (isolation !== 'default')
    throw unsupported(`services.${name}.build.isolation: ${isolation} is for Windows, on Linux only default is there`);
}

/** Sentences on what a build leaves out. */
export function unheededBuildKeys(name: string, build: BuildModel): string[] {
  const listed = !['false', undefined].includes(build.sbom?.toString());
  const [first, ...others] = build.platforms ?? [];
  return [
    ...(listed ? [`services.${name}.build.sbom: packages are not looked for in images here`] : []),
    ...(others.length > 0 ? [`services.${name}.build.platforms: one is built here, ${first}`] : []),
  ];
}

const forSwarms = ['placement', 'update_config', 'rollback_config', 'endpoint_mode'] as const;

function unheeded(name: string, deploy: NonNullable<ServiceModel['deploy']>): string[] {
  const { mode = 'replicated', resources, restart_policy: policy } = deploy;
  const keys = [
    ...forSwarms.filter((key) => deploy[key] !== undefined),
    ...(['delay', 'window'] as const)
      .filter((key) => policy?.[key] !== undefined)
      .map((key) => `restart_policy.${key}`),
    ...(['cpus', 'generic_resources'] as const)
      .filter((key) => resources?.reservations?.[key] !== undefined)
      .map((key) => `resources.reservations.${key}`),
  ];
  return [
    ...keys.map((key) => `services.${name}.deploy.${key} is for swarms and is not heeded here`),
    ...(mode.startsWith('global') ? [`services.${name}.deploy.mode: ${mode} is one container on one host`] : []),
    ...(mode.endsWith('-job') ? [`services.${name}.deploy.mode: ${mode} is run as any other service here`] : []),
  ];
}
