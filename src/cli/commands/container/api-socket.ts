import type { CreateRequest } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { allLogins } from '../../../client/all-logins.ts';
import { writeArchive } from '../../../client/calls/archive.ts';
import { paddingOf } from '../../../formats/tar/entry.ts';
import { formatEntry, tarTrailer } from '../../../formats/tar/writer.ts';
import type { Session } from '../../command.ts';

/** Where Docker puts the socket and the logins. */
const socketInside = '/var/run/docker.sock';
const configFolder = '/run/secrets/docker';

/** What `--use-api-socket` gives a container. */
export interface ApiAccess {
  readonly request: CreateRequest;
  /** Puts the logins into the created container; undefined when there are none, or it has a configuration of its own. */
  readonly finish: ((id: string) => Promise<void>) | undefined;
}

/**
 * Adds the engine's socket, and DOCKER_CONFIG for the user's logins, to a request.
 * @throws invalid when the engine is not reached by a unix socket, which could be mounted.
 */
export async function withApiSocket(session: Session, request: CreateRequest): Promise<ApiAccess> {
  const { endpoint } = session.engine;
  if (endpoint.kind !== 'unix')
    throw invalid(`--use-api-socket: the engine is at ${endpoint.display}; only a unix:// socket can be mounted`);
  const mount = { Type: 'bind', Source: endpoint.path, Target: socketInside, BindOptions: {} } as const;
  const host = { ...request.HostConfig, Mounts: [...(request.HostConfig?.Mounts ?? []), mount] };
  const mounted = { ...request, HostConfig: host };
  const auths = await allLogins(session.config);
  const own = request.Env?.some((entry) => entry.startsWith('DOCKER_CONFIG='));
  if (own || Object.keys(auths).length === 0) return { request: mounted, finish: undefined };
  const archive = packConfig(JSON.stringify({ auths }, null, '\t'));
  return {
    request: { ...mounted, Env: [...(request.Env ?? []), `DOCKER_CONFIG=${configFolder}`] },
    finish: (id) =>
      writeArchive(session.engine, id, '/', archive(), { noOverwriteDirNonDir: false, copyUIDGID: false }),
  };
}

/** A tar of the configuration with the folders that lead to it, readable by root alone. */
function packConfig(text: string): () => AsyncGenerator<Buffer> {
  const data = Buffer.from(text);
  const folders = configFolder.split('/').slice(1);
  const entries = folders.map((_, at) =>
    formatEntry({ name: `${folders.slice(0, at + 1).join('/')}/`, type: 'directory', mode: at === 0 ? 0o755 : 0o700 }),
  );
  const name = `${folders.join('/')}/config.json`;
  const file = [formatEntry({ name, type: 'file', mode: 0o600, size: data.length }), data];
  return async function* () {
    yield Buffer.concat([...entries, ...file, Buffer.alloc(paddingOf(data.length)), tarTrailer()]);
  };
}
