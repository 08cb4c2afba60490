import * as http from 'node:http';
import * as https from 'node:https';
import { invalid } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { openAccess } from './access/open.ts';
import { seenBy } from './access/seen.ts';
import { accessDoor } from './access/side-door.ts';
import { openStorage } from './builtins.ts';
import type { RegistryConfig } from './config/schema.ts';
import type { AccessController, RegistryHooks, StorageDriver } from './contract.ts';
import type { Api } from './http/exchange.ts';
import { boundSlowness } from './http/limits.ts';
import { drain, isLoopback, listen, parseListenAddress } from './http/listen.ts';
import { requestListener, type SideDoor } from './http/server.ts';
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
  const access = await openAccess({ auth: config.auth, access: config.access, log });
  const storage = openStorage(config.storage);
  const hooks: RegistryHooks[] = [];
  const sideDoors: SideDoor[] = [accessDoor(access)];
  const api = openApi(config, storage, access);
  const server = await createServer(
    config,
    requestListener({ api, hooks, log, headers: config.http.headers }, sideDoors),
    log,
  );
  boundSlowness(server);
  const purging = keepPurging(storage, config.storage.maintenance.uploadpurging, log);
  return {
    address: await listen(server, address),
    async close() {
      await purging[Symbol.asyncDispose]();
      await drain(server, config.http.draintimeout);
      await access[Symbol.asyncDispose]();
      await storage.close?.();
    },
  };
}

/** Whether the configuration says who is let in, be it everybody. */
const asksWho = ({ auth, http: { tls } }: RegistryConfig): boolean =>
  Object.values(auth).some((one) => one !== undefined) || (tls !== undefined && tls.clientcas.length > 0);

const openToAll = (addr: string) =>
  invalid(
    `at ${addr} everybody who reaches this machine could push to and pull from the registry: configure "auth", listen at 127.0.0.1, or say --insecure-no-auth`,
  );

function openApi(config: RegistryConfig, storage: StorageDriver, access: AccessController): Api {
  const { cache } = config.storage;
  return {
    open: openRepositories(storage, cache && cacheOfLinks(cache.blobdescriptorsize)),
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
  { http: { tls } }: RegistryConfig,
  listener: http.RequestListener,
  log: Logger,
): Promise<http.Server> {
  if (tls === undefined) return http.createServer(listener);
  const certificates = await openCertificates(tls, log);
  const server = https.createServer({ ...certificates.options }, listener);
  const following = certificates.follow(server);
  server.once('close', () => following[Symbol.dispose]());
  return server;
}
