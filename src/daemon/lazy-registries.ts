import type { Leases } from '../base/leases.ts';
import type { Logger } from '../base/log.ts';
import { parseReference } from '../formats/reference.ts';
import { collectGarbage } from '../images/gc.ts';
import type { Pull } from '../images/pull.ts';
import type { PullAll } from '../images/pull-all.ts';
import type { Push } from '../images/push.ts';
import type { ImageStores } from '../images/stores.ts';
import type { RegistryClient } from '../registry-client/client.ts';
import type { DaemonConfig } from './config.ts';
import type { InspectRequest, Registries } from './routers/registries.ts';

/** Where certificates of registries are looked for, Docker's folder first. */
const certificateFolders = ['/etc/docker/certs.d', '/etc/tug/certs.d'];

/** All work with registries. Its modules are loaded by the first call and cost the engine's start nothing. */
export interface LazyRegistries extends Registries {
  readonly pull: Pull;
  readonly pullAll: PullAll;
  readonly push: Push;
  client(): Promise<RegistryClient>;
  close(): void;
}

interface Opened {
  readonly client: RegistryClient;
  readonly pull: Pull;
  readonly pullAll: PullAll;
  readonly push: Push;
}

export function createLazyRegistries(
  config: DaemonConfig,
  stores: ImageStores,
  deps: { leases: Leases; log: Logger },
): LazyRegistries {
  let opened: Promise<Opened> | undefined;
  let closed = false;
  const open = async (): Promise<Opened> => {
    opened ??= openAll(config, stores, deps);
    const all = await opened;
    if (closed) all.client[Symbol.dispose]();
    return all;
  };
  /** Works with the engine's client, or with one of its own that takes plain HTTP and any certificate of the registry. */
  const withClient = async <T>(
    { reference, insecure }: InspectRequest,
    work: (client: RegistryClient) => Promise<T>,
  ): Promise<T> => {
    if (!insecure) return work((await open()).client);
    const { domain } = parseReference(reference);
    using lenient = await openClient(config, [...config.insecureRegistries, domain]);
    return await work(lenient);
  };
  return {
    pull: async (...call) => (await open()).pull(...call),
    pullAll: async (...call) => (await open()).pullAll(...call),
    push: async (...call) => (await open()).push(...call),
    client: async () => (await open()).client,
    logIn: async (...call) => (await open()).client.logIn(...call),
    search: async (...call) => (await open()).client.search(...call),
    async inspect(request, signal) {
      const { inspectRemote } = await import('../images/distribution.ts');
      return withClient(request, (client) => inspectRemote(client, request, signal));
    },
    async publish(request, signal) {
      const { publishManifest } = await import('../images/publish-manifest.ts');
      return withClient(request, (client) => publishManifest(client, request, signal));
    },
    close() {
      closed = true;
      void opened?.then(({ client }) => client[Symbol.dispose]());
    },
  };
}

async function openAll(config: DaemonConfig, stores: ImageStores, deps: { leases: Leases; log: Logger }) {
  const [client, { createPull }, { createPullAll }, { createPush }] = await Promise.all([
    openClient(config, config.insecureRegistries),
    import('../images/pull.ts'),
    import('../images/pull-all.ts'),
    import('../images/push.ts'),
  ]);
  const { content, state } = stores;
  const { leases } = deps;
  const log = deps.log.channel('images');
  const pull = createPull({
    ...{ registries: client, content, leases, log },
    unpacker: stores.unpacker,
    hasLayer: (chainId) => state.layer(chainId) !== undefined && stores.driver.has(chainId),
    store: state,
    imageId: (reference) => state.byName(reference) ?? state.get(reference)?.id,
    maxConcurrentDownloads: config.maxConcurrentDownloads,
  });
  const push = createPush({
    ...{ registries: client, content, state, leases },
    collect: () => collectGarbage({ ...stores, leases }),
    maxConcurrentUploads: config.maxConcurrentUploads,
  });
  return { client, pull, pullAll: createPullAll({ registries: client, pull, log }), push };
}

async function openClient(config: DaemonConfig, insecureRegistries: readonly string[]): Promise<RegistryClient> {
  const { createRegistryClient } = await import('../registry-client/client.ts');
  return createRegistryClient({
    insecureRegistries,
    mirrors: config.registryMirrors,
    mirrorsOf: Object.fromEntries(Object.entries(config.registries).map(([domain, { mirrors }]) => [domain, mirrors])),
    certificateFolders,
    proxyEnv: process.env,
  });
}
