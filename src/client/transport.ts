import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { errnoOf, invalid, messageOf, TugError } from '../base/errors.ts';
import type { Endpoint, TlsFiles } from './host.ts';

/**
 * Opens a connection to the engine. The socket allows half-close and is the caller's to destroy.
 * @throws unavailable with code `engine-unreachable` when nobody answers there, forbidden when the socket may
 * not be opened by this user.
 */
export async function connectTo(endpoint: Endpoint): Promise<Socket> {
  const socket = await openSocket(endpoint);
  const event = endpoint.kind === 'tcp' && endpoint.tls ? 'secureConnect' : 'connect';
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      socket.destroy();
      reject(unreachable(endpoint, error));
    };
    socket.once('error', failed);
    socket.once(event, () => {
      socket.removeListener('error', failed);
      resolve(socket);
    });
  });
}

async function openSocket(endpoint: Endpoint): Promise<Socket> {
  if (endpoint.kind === 'unix') return connect({ path: endpoint.path, allowHalfOpen: true });
  if (!endpoint.tls) return connect({ host: endpoint.host, port: endpoint.port, allowHalfOpen: true, noDelay: true });
  const tls = await import('node:tls');
  const isName = !/^[\d.]+$|:/.test(endpoint.host);
  const options = {
    host: endpoint.host,
    port: endpoint.port,
    allowHalfOpen: true,
    rejectUnauthorized: endpoint.tls.verify,
    ...(isName ? { servername: endpoint.host } : {}),
    ...readTlsFiles(endpoint.tls),
  };
  return tls.connect(options);
}

function readTlsFiles(files: TlsFiles): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const read = (file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw invalid(`Failed to initialize: unable to resolve tug endpoint: ${messageOf(error)}`, { cause: error });
    }
  };
  return {
    ...(files.ca === undefined ? {} : { ca: read(files.ca) }),
    ...(files.cert === undefined ? {} : { cert: read(files.cert) }),
    ...(files.key === undefined ? {} : { key: read(files.key) }),
  };
}

/** What the user is told when no engine answers: Docker's sentences with tug's name. */
function unreachable(endpoint: Endpoint, error: Error): TugError {
  const errno = errnoOf(error);
  if (errno === 'EACCES' || errno === 'EPERM')
    return new TugError(
      'forbidden',
      `permission denied while trying to connect to the tug daemon socket at ${endpoint.display}: ${error.message}`,
      { code: 'engine-forbidden', cause: error },
    );
  const refused =
    errno === 'ECONNREFUSED' || errno === 'ENOENT' || errno === 'ENOTSOCK' || errno === 'FailedToOpenSocket';
  const reason = refused || errno === undefined ? '' : ` (${error.message})`;
  return new TugError(
    'unavailable',
    `Cannot connect to the tug daemon at ${endpoint.display}. Is the tug daemon running?${reason}`,
    { code: 'engine-unreachable', cause: error },
  );
}
