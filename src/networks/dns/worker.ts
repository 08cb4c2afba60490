import { parentPort, workerData } from 'node:worker_threads';
import { openDatabaseReader } from '../../base/database.ts';
import type { NameDirectory, Resolving, Upstream } from './contract.ts';
import { createNameDirectory } from './directory.ts';
import { forward, type Limit } from './forward.ts';
import { createHostResolver } from './host-resolver.ts';
import { type Listening, listen } from './listen.ts';
import { rememberAnswers } from './remember.ts';
import { containerUpstream, type HostResolver } from './resolver.ts';
import { respond } from './respond.ts';
import { createTogether } from './together.ts';

/** What the engine's thread asks of this one; carried out in the order in which it comes. */
export type ServerTask =
  | {
      readonly kind: 'serve';
      readonly containerId: string;
      readonly namespace: string;
      readonly sockets: { readonly udp: number; readonly tcp: number };
      readonly resolving: Resolving;
    }
  | { readonly kind: 'redirect'; readonly containerId: string; readonly resolving: Resolving }
  | { readonly kind: 'end'; readonly containerId: string }
  | { readonly kind: 'close' };

export type ServerMessage =
  /** The sockets of so many more `serve` tasks are this thread's now. */
  { readonly kind: 'taken' } | { readonly kind: 'fault'; readonly message: string };

interface Served {
  readonly listening: Listening;
  resolving: Resolving;
}

/** Where a container's questions go now; worked out anew when the host's files change, or what the container wants. */
function followHost(served: Pick<Served, 'resolving'>, hostNow: () => HostResolver): () => Upstream {
  let known: { resolving: Resolving; host: HostResolver; upstream: Upstream } | undefined;
  return () => {
    const { resolving } = served;
    const host = hostNow();
    if (known?.resolving !== resolving || known.host !== host)
      known = { resolving, host, upstream: containerUpstream(resolving, host) };
    return known.upstream;
  };
}

/** Questions on their way to servers upstream: of one container, and of all. Each holds a descriptor. */
const mostOfOne = 256;
const mostOfAll = 2048;

function serveNames(port: NonNullable<typeof parentPort>, directory: NameDirectory): void {
  const all: Limit = { used: 0, most: mostOfAll };
  const servers = new Map<string, Served>();
  const hostNow = createHostResolver();
  const faults = new Set<string>();
  const report = (message: string): void => {
    if (faults.has(message) || faults.size > 100) return; // a container could fill the log
    faults.add(message);
    port.postMessage({ kind: 'fault', message } satisfies ServerMessage);
  };
  const serve = ({ containerId, namespace, sockets, resolving }: ServerTask & { kind: 'serve' }): void => {
    servers.get(containerId)?.listening.close();
    const limits = [all, { used: 0, most: mostOfOne }];
    const together = createTogether();
    const listening = listen(sockets, (packet, over) =>
      respond(packet, over, {
        containerId,
        directory,
        upstream,
        forward: (question, query, to) =>
          together(question, over, () => forward(question, query, over, { servers: to, namespace, limits })),
        report,
      }),
    );
    const served: Served = { listening, resolving };
    const upstream = followHost(served, hostNow);
    servers.set(containerId, served);
    port.postMessage({ kind: 'taken' } satisfies ServerMessage);
  };
  port.on('message', (task: ServerTask) => {
    if (task.kind === 'close') process.exit(); // the thread's
    if (task.kind === 'serve') return serve(task);
    const served = servers.get(task.containerId);
    if (!served) return;
    if (task.kind === 'redirect') served.resolving = task.resolving;
    else {
      served.listening.close();
      servers.delete(task.containerId);
    }
  });
}

if (parentPort) {
  const { database } = workerData as { database: string };
  const reader = openDatabaseReader(database);
  serveNames(parentPort, rememberAnswers(reader, createNameDirectory(reader)));
}
