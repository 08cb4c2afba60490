import * as http from 'node:http';
import * as https from 'node:https';
import { invalid } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { openAccess } from './access/open.ts';
import { seenBy } from './access/seen.ts';
import { accessDoor } from './access/side-door.ts';
import { openStorage } from './builtins.ts';
import type { RegistryConfig } from './config/schema.ts';
import type { AccessController, OpenRepository, RegistryHooks, StorageDriver } from './contract.ts';
import { keepCaring } from './gc/care.ts';
import { createKeeper } from './gc/keeper.ts';
import type { Api } from './http/exchange.ts';
import { boundSlowness, prompt } from './http/limits.ts';
import { drain, isLoopback, listen, parseListenAddress } from './http/listen.ts';
import { requestListener, type SideDoor } from './http/server.ts';
import { startObserving } from './observe/observe.ts';
import { openProxy, type RegistryProxy } from './proxy/proxy.ts';
import { withQuotas } from './quota/quotas.ts';
import { recordPulls } from './retention/pulls.ts';
import { listRepositories } from './storage/catalog.ts';
import { cacheOfLinks } from './storage/links.ts';
import { keepPurging } from './storage/purge.ts';
import { openRepositories } from './storage/repository.ts';
import { openCertificates } from './tls.ts';

export interface Serving {
  /** `127.0.0.1:5000`, or the path of a socket. */
  readonly address: string;
  /** Lets requests come to an end. */
  close(): Promise<void>;
}

export interface ServeOptions {
  readonly log: Logger;
  /** It was said out loud that anybody who reaches the registry may do everything. */
  readonly insecureNoAuth?: boolean;
}

/**
 * Composes a registry from its configuration and serves it: storage, repositories, API, server.
 * @throws invalid for a configuration that contradicts itself, or that would leave a registry open to others.
 */
export async function serve(config: RegistryConfig, { log, insecureNoAuth = false }: ServeOptions): Promise<Serving> {
  const address = parseListenAddress(config.http);
  if (!asksWho(config) && !isLoopback(address) && !insecureNoAuth) throw openToAll(config.http.addr);
  if (config.http.secret !== undefined) log.info('http.secret is not needed: the state of uploads lies in the storage');
  const access = await openAccess({ auth: config.auth, access: config.access, host: config.http.host, log });
  if (readable(config) && !isLoopback(address)) log.warn(passwordsInTheClear);
  const storage = openStorage(config.storage);
  const local = openLocal(config, storage);
  const hooks: RegistryHooks[] = [];
  const sideDoors: SideDoor[] = [accessDoor(access)];
  await using opened = new AsyncDisposableStack();
  opened.defer(async () => storage.close?.());
  opened.use(access);
  const pulls = opened.use(recordPulls(storage, log));
  const proxy = openProxy(config.proxy, { storage, local, log });
  opened.defer(async () => proxy?.close());
  const observing = await startObserving(config, { storage, local, access, proxy, log });
  opened.defer(() => observing.close());
  hooks.push(observing.hooks, { event: (event) => pulls.event(event), request: () => undefined });
  sideDoors.push(observing.door);
  const api = openApi(config, { storage, access, local, proxy });
  const listener = requestListener({ api, hooks, log, headers: config.http.headers }, sideDoors);
  const server = await createServer(config, listener, log);
  boundSlowness(server, config.http.idletimeout);
  const listening = await listen(server, address);
  opened.defer(() => drain(server, config.http.draintimeout));
  opened.use(keepCaring(storage, config, log));
  opened.use(keepPurging(storage, config.storage.maintenance.uploadpurging, log));
  const serving = opened.move();
  return { address: listening, close: () => serving.disposeAsync() };
}

/** Whether the configuration says who is let in, be it everybody. */
const asksWho = ({ auth, http: { tls } }: RegistryConfig): boolean =>
  Object.values(auth).some((one) => one !== undefined) ||
  (tls !== undefined && tls.clientcas.length > 0 && tls.clientauth !== 'verify-client-cert-if-given');

const readable = ({ auth, http: { tls } }: RegistryConfig): boolean =>
  tls === undefined && (auth.htpasswd !== undefined || auth.token?.builtin !== undefined);

const passwordsInTheClear =
  'passwords come unencrypted: set http.tls, or let nobody but a proxy that ends TLS reach this address';

const openToAll = (addr: string) =>
  invalid(
    `at ${addr} everybody who reaches this machine could push to and pull from the registry: configure "auth", listen at 127.0.0.1, or say --insecure-no-auth`,
  );

/** The repositories that are kept here, within their quotas. */
function openLocal(config: RegistryConfig, storage: StorageDriver): OpenRepository {
  const { cache } = config.storage;
  const links = cache && cacheOfLinks(cache.blobdescriptorsize);
  const repositories = openRepositories(storage, links, createKeeper(storage, config.gc.grace));
  return withQuotas(repositories, storage, config.quota);
}

interface Opened {
  readonly storage: StorageDriver;
  readonly access: AccessController;
  readonly local: OpenRepository;
  readonly proxy: RegistryProxy | undefined;
}

function openApi(config: RegistryConfig, { storage, access, local, proxy }: Opened): Api {
  return {
    open: proxy?.open ?? local,
    nameOf: proxy?.nameOf ?? ((name) => name),
    access,
    repositories: (after, identity) => seenBy(access, identity, listRepositories(storage, after)),
    settings: {
      prefix: config.http.prefix,
      host: config.http.host,
      relativeUrls: config.http.relativeurls,
      deletes: config.storage.delete.enabled,
      readOnly: config.storage.maintenance.readonly.enabled,
      catalogLimit: config.catalog.maxentries,
    },
  };
}

async function createServer(
  { http: { idletimeout, tls } }: RegistryConfig,
  listener: http.RequestListener,
  log: Logger,
): Promise<http.Server> {
  if (tls === undefined) return http.createServer(prompt(idletimeout), listener);
  const certificates = await openCertificates(tls, log);
  const server = https.createServer({ ...prompt(idletimeout), ...certificates.options }, listener);
  const following = certificates.follow(server);
  server.once('close', () => following[Symbol.dispose]());
  return server;
}
