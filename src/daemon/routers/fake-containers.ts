import { tmpdir } from 'node:os';
import { notFound } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import type { ContainerService, ContainerStreams } from '../../containers/contract.ts';
import type { AttachedStdio } from '../../runtime/monitor/contract.ts';
import type { QueueOptions } from './output-queue.ts';

/** For tests: a queue that keeps its backlog with the system's temporary files. */
export const testQueue: QueueOptions = { spool: tmpdir(), log: silentLogger };

/** For tests: a container service in which nothing exists, but for the methods given. */
export function fakeContainers(methods: Partial<ContainerService> = {}): ContainerService {
  const missing = async (reference: string): Promise<never> => {
    throw notFound(`No such container: ${reference}`);
  };
  const noExec = (id: string): never => {
    throw notFound(`No such exec instance: ${id}`);
  };
  return {
    create: async () => ({ Id: 'new', Warnings: [] }),
    list: async () => [],
    inspect: missing,
    start: missing,
    checkpoint: missing,
    checkpoints: () => [],
    removeCheckpoint: missing,
    stop: missing,
    restart: missing,
    kill: missing,
    pause: missing,
    unpause: missing,
    update: missing,
    connectNetwork: missing,
    disconnectNetwork: missing,
    rename: (reference) => {
      throw notFound(`No such container: ${reference}`);
    },
    changes: missing,
    exportFiles: missing,
    commit: missing,
    statFile: missing,
    readArchive: missing,
    writeArchive: missing,
    remove: missing,
    wait: missing,
    why: missing,
    resize: missing,
    attach: missing,
    logs: missing,
    stats: (reference) => {
      throw notFound(`No such container: ${reference}`);
    },
    top: missing,
    clearLog: missing,
    execCreate: missing,
    execStart: async (id) => noExec(id),
    execInspect: noExec,
    execKill: noExec,
    execResize: async (id) => noExec(id),
    prune: async () => ({ removed: [], reclaimed: 0 }),
    imageUsers: () => [],
    counts: () => ({ total: 0, running: 0, paused: 0, stopped: 0 }),
    ...methods,
  };
}

/** For tests: a process whose output is what the test says, and whose input the test reads. */
export interface FakeProcess {
  readonly stdio: AttachedStdio;
  readonly input: string[];
  say(stream: 'stdout' | 'stderr', text: string): void;
  exit(): void;
  /** Resolves with what was written when stdin was closed. */
  readonly inputClosed: Promise<string>;
  readonly detached: Promise<void>;
  streams(options?: Partial<ContainerStreams>): ContainerStreams;
}

export function fakeProcess(): FakeProcess {
  const ended = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<string>();
  const detached = Promise.withResolvers<void>();
  const input: string[] = [];
  let listen: Parameters<AttachedStdio['onOutput']>[0] = () => {};
  const stdio: AttachedStdio = {
    onOutput(listener) {
      listen = listener;
    },
    ended: ended.promise,
    write(data) {
      input.push(Buffer.from(data).toString('latin1'));
      return true;
    },
    drained: async () => {},
    closeInput: () => closed.resolve(input.join('')),
    detach: () => detached.resolve(),
  };
  return {
    stdio,
    input,
    say: (stream, text) => listen(stream, Buffer.from(text)),
    exit: () => ended.resolve(),
    inputClosed: closed.promise,
    detached: detached.promise,
    streams: (options) => ({
      terminal: false,
      history: undefined,
      live: Promise.resolve(stdio),
      closeInput: true,
      detached: () => {},
      ...options,
    }),
  };
}
