import { errnoOf, TugError } from '../base/errors.ts';
import { bunSockets, connectBun } from './bun-connection.ts';
import type { Connection } from './connection.ts';
import type { Endpoint } from './host.ts';

/**
 * Opens a connection to the engine; it is the caller's to destroy.
 * @throws unavailable with code `engine-unreachable` when nobody answers there, forbidden when the socket may
 * not be opened by this user.
 */
export async function connectTo(endpoint: Endpoint): Promise<Connection> {
  try {
    return await open(endpoint);
  } catch (error) {
    if (error instanceof TugError) throw error;
    throw unreachable(endpoint, error);
  }
}

async function open(endpoint: Endpoint): Promise<Connection> {
  const bun = bunSockets();
  if (bun && endpoint.kind === 'unix') return connectBun(bun, { unix: endpoint.path });
  if (bun && endpoint.kind === 'tcp' && !endpoint.tls)
    return connectBun(bun, { hostname: endpoint.host, port: endpoint.port });
  const { connectNode } = await import('./node-connection.ts');
  return connectNode(endpoint);
}

const nobodyThere = ['ECONNREFUSED', 'ENOENT', 'ENOTSOCK', 'ENOTDIR', 'FailedToOpenSocket'];

/** What the user is told when no engine answers: Docker's sentences with tug's name. */
function unreachable(endpoint: Endpoint, error: unknown): TugError {
  const errno = errnoOf(error);
  const said = error instanceof Error ? error.message : String(error);
  if (errno === 'EACCES' || errno === 'EPERM')
    return new TugError(
      'forbidden',
      `permission denied while trying to connect to the tug daemon socket at ${endpoint.display}: ${said}`,
      { code: 'engine-forbidden', cause: error },
    );
  const reason = errno !== undefined && nobodyThere.includes(errno) ? '' : ` (${said})`;
  return new TugError(
    'unavailable',
    `Cannot connect to the tug daemon at ${endpoint.display}. Is the tug daemon running?${reason}`,
    { code: 'engine-unreachable', cause: error },
  );
}
