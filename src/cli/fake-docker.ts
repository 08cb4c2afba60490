import type { Socket } from 'node:net';
import { parseSignal } from '../base/process.ts';
import { type FakeEngine, type FakeHandler, startFakeEngine } from '../client/fake-engine.ts';
import { encodeFrame } from '../formats/raw-stream.ts';

// An engine with one container, for the tests of the command line: enough of Docker's protocol for run, attach, exec.

export const containerId = 'a1b2c3d4e5f6'.repeat(6).slice(0, 64);

export interface FakeContainer {
  /** What it prints when it starts. */
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode?: number;
  /** `input-end`: it copies its stdin to stdout and ends with it; `signal`: it ends when it is killed. */
  readonly until?: 'input-end' | 'signal';
  readonly terminal?: boolean;
  /** What the engine says instead of starting it. */
  readonly startError?: { readonly status: number; readonly message: string };
}

export interface FakeDocker extends FakeEngine {
  /** Signals that came by `kill`. */
  readonly signals: string[];
  /** Resolves when the container has been started. */
  readonly started: Promise<void>;
  /** Resolves when the user's input, so far, contains the text. */
  heard(text: string): Promise<void>;
}

export async function startFakeDocker(
  container: FakeContainer,
  more: Readonly<Record<string, FakeHandler>> = {},
): Promise<FakeDocker> {
  const started = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<number>();
  const signals: string[] = [];
  const listeners = new Set<() => void>();
  let input = '';
  let attached: Socket | undefined;
  const say = (stream: 'stdout' | 'stderr', text: string | Buffer) =>
    attached?.write(container.terminal ? text : encodeFrame(stream, Buffer.from(text)));
  const exit = (code: number) => {
    attached?.end();
    exited.resolve(code);
  };
  const attach: FakeHandler = () => ({
    hijack: (socket) => {
      attached = socket;
      socket.on('data', (chunk: Buffer) => {
        input += chunk.toString();
        for (const listener of listeners) listener();
        if (container.until === 'input-end') say('stdout', chunk);
      });
      socket.on('end', () => {
        if (container.until === 'input-end') void started.promise.then(() => exit(container.exitCode ?? 0));
      });
    },
  });
  const start: FakeHandler = () => {
    if (container.startError)
      return { status: container.startError.status, json: { message: container.startError.message } };
    if (container.stdout) say('stdout', container.stdout);
    if (container.stderr) say('stderr', container.stderr);
    started.resolve();
    if (container.until === undefined) exit(container.exitCode ?? 0);
    return { status: 204, json: null };
  };
  const kill: FakeHandler = ({ query }) => {
    const signal = query.get('signal') ?? 'SIGKILL';
    signals.push(signal);
    exit(container.exitCode ?? 128 + (parseSignal(signal) ?? 0));
    return { status: 204, json: null };
  };
  const wait: FakeHandler = () => ({ status: 200, chunks: exitStatus(exited.promise) });
  const engine = await startFakeEngine({
    'POST /containers/create': () => ({ status: 201, json: { Id: containerId, Warnings: [] } }),
    'POST /containers/:id/attach': attach,
    'POST /containers/:id/wait': wait,
    'POST /containers/:id/start': start,
    'POST /containers/:id/kill': kill,
    'POST /containers/:id/resize': () => ({ status: 200, json: null }),
    'GET /containers/:id/json': () => ({ status: 200, json: inspected(container.terminal === true) }),
    ...more,
  });
  const heard = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!input.includes(text)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
    });
  return Object.assign(engine, { signals, started: started.promise, heard });
}

async function* exitStatus(exited: Promise<number>): AsyncGenerator<string> {
  yield JSON.stringify({ StatusCode: await exited });
}

const inspected = (terminal: boolean) => ({
  Id: containerId,
  State: { Running: true, Paused: false, Restarting: false },
  Config: { Tty: terminal, OpenStdin: true },
  HostConfig: { AutoRemove: false },
});
