import type { Leases } from '../base/leases.ts';
import type { Logger } from '../base/log.ts';
import type { Progress, PullRequest } from '../images/contract.ts';
import type { ImageStores } from '../images/stores.ts';
import type { DaemonConfig } from './config.ts';

type Pull = (request: PullRequest, progress: Progress, signal: AbortSignal) => Promise<string>;

/** Where certificates of registries are looked for, Docker's folder first. */
const certificateFolders = ['/etc/docker/certs.d', '/etc/tug/certs.d'];

export interface LazyPull {
  readonly run: Pull;
  close(): void;
}

/** The pull with its registry client, whose modules are loaded by the first pull and cost the engine's start nothing. */
export function createLazyPull(
  config: DaemonConfig,
  stores: ImageStores,
  deps: { leases: Leases; log: Logger },
): LazyPull {
  let opened: Promise<{ pull: Pull; close(): void }> | undefined;
  let closed = false;
  const open = async () => {
    const [{ createRegistryClient }, { createPull }] = await Promise.all([
      import('../registry-client/client.ts'),
      import('../images/pull.ts'),
    ]);
    const registries = createRegistryClient({
      insecureRegistries: config.insecureRegistries,
      mirrors: config.registryMirrors,
      certificateFolders,
      proxyEnv: process.env,
    });
    const pull = createPull({
      registries,
      content: stores.content,
      unpacker: stores.unpacker,
      hasLayer: (chainId) => stores.state.layer(chainId) !== undefined && stores.driver.has(chainId),
      store: stores.state,
      imageId: (reference) => stores.state.byName(reference) ?? stores.state.get(reference)?.id,
      leases: deps.leases,
      log: deps.log.channel('images'),
      maxConcurrentDownloads: config.maxConcurrentDownloads,
    });
    const close = (): void => registries[Symbol.dispose]();
    if (closed) close();
    return { pull, close };
  };
  return {
    async run(request, progress, signal) {
      opened ??= open();
      return await (await opened).pull(request, progress, signal);
    },
    close() {
      closed = true;
      void opened?.then(({ close }) => close());
    },
  };
}
