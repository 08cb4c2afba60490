import { closeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { endThread } from '../../base/end-thread.ts';
import { errnoOf, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { bindUdp, listenTcp } from '../../host/inet-socket.ts';
import { leadNamePort, ledNamePort, type NamePorts } from '../../host/name-port.ts';
import { insideNetworkNamespace } from '../../host/namespaces.ts';
import { type NamedSandbox, type NameServers, nameServerAddress } from './contract.ts';
import type { ServerMessage, ServerTask } from './worker.ts';

const backlog = 16;
/** Milliseconds between the end of a thread and the next one. */
const restartAfter = 500;

interface Thread {
  readonly worker: Worker;
  /** Descriptors sent, that are not the thread's own yet. */
  readonly sent: number[];
}

/**
 * Name servers in a thread of their own, which starts with the first. What containers send never keeps the engine's own
 * thread, however much it is, and what keeps that one (a start, a statement) keeps no answer. A thread that ends is
 * replaced, and all sandboxes get new sockets. `database` is the file of the engine's state.
 */
export function createNameServers({ database, log }: { database: string; log: Logger }): NameServers {
  const sandboxes = new Map<string, NamedSandbox>();
  let thread: Thread | undefined;
  let restart: NodeJS.Timeout | undefined;
  let closed = false;

  const lost = (ended: Thread, error: unknown): void => {
    if (closed || thread !== ended) return;
    thread = undefined;
    for (const fd of ended.sent.splice(0)) closeSync(fd);
    log.error('the thread of the name servers ended; starting another', { error });
    restart = setTimeout(() => {
      for (const sandbox of sandboxes.values()) openAgain(sandbox);
    }, restartAfter).unref();
  };
  const running = (): Thread => {
    thread ??= startThread(database, log, lost);
    return thread;
  };
  const open = (sandbox: NamedSandbox): void => {
    const sockets = openSockets(sandbox.namespace);
    const { worker, sent } = running();
    sent.push(sockets.udp, sockets.tcp);
    worker.postMessage({ kind: 'serve', ...sandbox, sockets } satisfies ServerTask);
  };
  const openAgain = (sandbox: NamedSandbox): void => {
    try {
      open(sandbox);
    } catch (error) {
      log.error('a container has no name server any more', { container: sandbox.containerId, error });
    }
  };

  return {
    serve(sandbox) {
      const { containerId, namespace, resolving } = sandbox;
      if (thread && sandboxes.get(containerId)?.namespace === namespace)
        thread.worker.postMessage({ kind: 'redirect', containerId, resolving } satisfies ServerTask);
      else open(sandbox);
      sandboxes.set(containerId, sandbox);
    },
    end(containerId) {
      if (sandboxes.delete(containerId)) thread?.worker.postMessage({ kind: 'end', containerId } satisfies ServerTask);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(restart);
      if (thread) await endThread(thread.worker, { kind: 'close' } satisfies ServerTask);
      for (const fd of thread?.sent.splice(0) ?? []) closeSync(fd);
    },
  };
}

/**
 * Sockets inside the namespace at the sandbox's address, with port 53 led to them. Where a server before had its ports they
 * are taken again, and the rules left alone: a change would cost 20 ms. They may be a container's by now; then others are.
 */
function openSockets(namespace: string): { udp: number; tcp: number } {
  return insideNetworkNamespace(namespace, () => {
    const led = ledNamePort();
    const again = led && led !== 'unknown' ? openIfFree(led) : undefined;
    if (again) return again.fds;
    const { fds, ports } = openPair({ udp: 0, tcp: 0 });
    try {
      leadNamePort(nameServerAddress, ports, { replace: led !== undefined });
      return fds;
    } catch (error) {
      closeAll(fds);
      throw error;
    }
  });
}

interface Pair {
  readonly fds: { readonly udp: number; readonly tcp: number };
  readonly ports: NamePorts;
}

function openIfFree(ports: NamePorts): Pair | undefined {
  try {
    return openPair(ports);
  } catch (error) {
    if (errnoOf(error) === 'EADDRINUSE') return undefined;
    throw error;
  }
}

function openPair(ports: NamePorts): Pair {
  const udp = bindUdp(nameServerAddress, ports.udp);
  try {
    const tcp = listenTcp(nameServerAddress, backlog, ports.tcp);
    return { fds: { udp: udp.fd, tcp: tcp.fd }, ports: { udp: udp.port, tcp: tcp.port } };
  } catch (error) {
    closeSync(udp.fd);
    throw error;
  }
}

function closeAll({ udp, tcp }: Pair['fds']): void {
  closeSync(udp);
  closeSync(tcp);
}

function startThread(database: string, log: Logger, lost: (thread: Thread, error: unknown) => void): Thread {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { database },
    execArgv: [], // options such as --inspect are the engine's own
    trackUnmanagedFds: false,
  });
  const thread: Thread = { worker, sent: [] };
  worker.unref();
  worker.on('message', (message: ServerMessage) => {
    if (message.kind === 'taken') thread.sent.splice(0, 2);
    else log.warn(message.message);
  });
  worker.on('error', (error) => lost(thread, messageOf(error)));
  worker.on('exit', (code) => lost(thread, `exit code ${code}`));
  return thread;
}
