import { isKind, TugError } from '../base/errors.ts';
import type { Engine } from '../client/engine.ts';
import { filtersQuery } from '../client/filters-query.ts';
import type { NetworkModel, Project } from '../formats/compose-file/model.ts';
import { networkHash } from './config-hash.ts';
import { type ComposeDeps, during } from './deps.ts';
import { forEachLimited } from './graph.ts';
import { composeVersion, labelNames } from './labels.ts';
import { networkKeys } from './service-networks.ts';

/** What is needed of a network of the engine. */
export interface FoundNetwork {
  readonly Id: string;
  readonly Name: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/** The networks that carry a project's label. */
export const projectNetworks = (engine: Engine, project: string): Promise<FoundNetwork[]> =>
  engine.json('GET', '/networks', {
    query: { filters: filtersQuery({ label: [`${labelNames.project}=${project}`] }) },
  });

/** The keys of the networks that some of these services use, all with `all`. */
export function usedNetworks(project: Project, services: readonly string[], all: boolean): string[] {
  if (all) return Object.keys(project.networks);
  const used = new Set(services.flatMap((name) => networkKeys(project.services[name]!)));
  return Object.keys(project.networks).filter((key) => used.has(key));
}

export interface NetworkPlan {
  readonly key: string;
  readonly model: NetworkModel;
  readonly change: 'none' | 'create' | 'recreate';
}

/** What has to be done about a project's networks. @throws not-found for an external one that is not there. */
export async function planNetworks(engine: Engine, project: Project, keys: readonly string[]): Promise<NetworkPlan[]> {
  if (keys.length === 0) return [];
  const known = await engine.json<FoundNetwork[]>('GET', '/networks');
  return keys.map((key) => {
    const model = project.networks[key]!;
    const found = known.find(({ Name, Id }) => Name === model.name || (model.external && Id === model.name));
    if (model.external) {
      if (!found) throw missing(model.name);
      return { key, model, change: 'none' };
    }
    if (!found) return { key, model, change: 'create' };
    const hash = found.Labels?.[labelNames.hash];
    return { key, model, change: hash === undefined || hash === networkHash(model) ? 'none' : 'recreate' };
  });
}

const missing = (name: string): TugError =>
  new TugError('not-found', `network ${name} declared as external, but could not be found`, {
    code: 'external-network',
  });

/**
 * Makes the networks that are missing. One that changed is taken away first, which its containers have to have been
 * disconnected for. Idempotent; interrupted, some are there already.
 */
export async function ensureNetworks(
  deps: ComposeDeps,
  project: Project,
  plans: readonly NetworkPlan[],
): Promise<void> {
  const { engine, report, signal, parallel } = deps;
  await forEachLimited(
    plans.filter(({ change }) => change !== 'none'),
    async ({ key, model, change }) => {
      const step = { kind: 'Network', name: model.name } as const;
      if (change === 'recreate')
        await during(report, step, ['Removing', 'Removed'], () => removeNetwork(engine, model.name));
      await during(report, step, ['Creating', 'Created'], () => createNetwork(engine, project.name, key, model));
    },
    { limit: parallel, signal },
  );
}

async function createNetwork(engine: Engine, project: string, key: string, model: NetworkModel): Promise<void> {
  const { ipam } = model;
  const config = ipam?.config?.map(({ subnet, ip_range, gateway, aux_addresses }) => ({
    ...(subnet === undefined ? {} : { Subnet: subnet }),
    ...(ip_range === undefined ? {} : { IPRange: ip_range }),
    ...(gateway === undefined ? {} : { Gateway: gateway }),
    ...(aux_addresses === undefined ? {} : { AuxiliaryAddresses: { ...aux_addresses } }),
  }));
  const body = {
    Name: model.name,
    Driver: model.driver ?? 'bridge',
    Options: { ...model.driver_opts },
    Internal: model.internal ?? false,
    Attachable: model.attachable ?? false,
    ...(model.enable_ipv4 === undefined ? {} : { EnableIPv4: model.enable_ipv4 }),
    ...(model.enable_ipv6 === undefined ? {} : { EnableIPv6: model.enable_ipv6 }),
    ...(ipam ? { IPAM: { Driver: ipam.driver ?? 'default', Config: config ?? [], Options: { ...ipam.options } } } : {}),
    Labels: {
      ...model.labels,
      [labelNames.project]: project,
      [labelNames.network]: key,
      [labelNames.hash]: networkHash(model),
      [labelNames.version]: composeVersion,
    },
  };
  try {
    await engine.send('POST', '/networks/create', { json: body });
  } catch (error) {
    if (!isKind(error, 'conflict') || !/already exists/.test(error.message)) throw error;
  }
}

/** Removes a network; one that is not there is none to remove. */
export async function removeNetwork(engine: Engine, name: string): Promise<void> {
  await engine.send('DELETE', `/networks/${encodeURIComponent(name)}`).catch((error: unknown) => {
    if (!isKind(error, 'not-found')) throw error;
  });
}
