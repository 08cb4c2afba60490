import { execCreateRequest, execStartRequest } from '../../api/types/container-request.ts';
import { invalid, isKind, messageOf } from '../../base/errors.ts';
import type { ContainerService, ContainerStreams } from '../../containers/contract.ts';
import type { EventBus } from '../../events/contract.ts';
import { encodeFrame } from '../../formats/raw-stream.ts';
import type { Exchange, Reply } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';
import { detachSequence, rawStreamType } from './attach.ts';
import { terminalSize } from './containers.ts';
import type { QueueOptions } from './output-queue.ts';
import { connectStdio } from './stdio.ts';

/** More processes in running containers. */
export function execRoutes(containers: ContainerService, events: EventBus, queue: QueueOptions): Handlers {
  return {
    async ContainerExec(exchange) {
      const request = await exchange.body(execCreateRequest);
      if (!request.Cmd?.length) throw invalid('no exec command specified');
      detachSequence(request.DetachKeys || undefined);
      return { status: 201, body: { Id: await containers.execCreate(exchange.param('id'), request) } };
    },
    ExecStart: (exchange) => startExec(containers, events, queue, exchange),
    ExecInspect: (exchange) => ({ status: 200, body: containers.execInspect(exchange.param('id')) }),
    ExecKill(exchange) {
      containers.execKill(exchange.param('id'), exchange.query.text('signal') || 'SIGKILL');
      return { status: 204 };
    },
    async ExecResize(exchange) {
      const { rows, columns } = terminalSize(exchange);
      await containers.execResize(exchange.param('id'), rows, columns);
      return { status: 200 };
    },
  };
}

async function startExec(
  containers: ContainerService,
  events: EventBus,
  queue: QueueOptions,
  exchange: Exchange,
): Promise<Reply | undefined> {
  const id = exchange.param('id');
  const request = await exchange.body(execStartRequest, { empty: {} });
  const inspected = containers.execInspect(id);
  if (request.Detach) {
    await containers.execStart(id, { detach: true, consoleSize: request.ConsoleSize });
    return { status: 200 };
  }
  const connection = await exchange.hijack();
  const died = Promise.withResolvers<void>();
  using _subscription = events.subscribe(({ Action, Actor }) => {
    if (Action === 'exec_die' && Actor.Attributes['execID'] === id) died.resolve();
  });
  let streams: ContainerStreams;
  try {
    streams = await containers.execStart(id, { detach: false, consoleSize: request.ConsoleSize });
  } catch (error) {
    if (isKind(error, 'conflict') || isKind(error, 'not-found')) throw error;
    // Clients learn why a command does not run from the stream and the exit code, as with Docker.
    const terminal = inspected.ProcessConfig.tty;
    const text = Buffer.from(`${messageOf(error)}\r\n`);
    connection.accept(rawStreamType(exchange, terminal));
    connection.socket.end(terminal ? text : encodeFrame('stdout', text));
    connection.socket.resume();
    return undefined;
  }
  connection.accept(rawStreamType(exchange, streams.terminal));
  await connectStdio(connection.socket, streams, {
    stdin: inspected.OpenStdin,
    stdout: inspected.OpenStdout,
    stderr: inspected.OpenStderr,
    detachKeys: detachSequence(inspected.DetachKeys || undefined),
    queue,
    afterEnd: died.promise, // a client asks for the exit code as soon as the stream ends
  });
  return undefined;
}
