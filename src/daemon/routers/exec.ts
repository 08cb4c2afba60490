import { execCreateRequest, execStartRequest } from '../../api/types/container-request.ts';
import { invalid, messageOf } from '../../base/errors.ts';
import type { ContainerService, ContainerStreams } from '../../containers/contract.ts';
import { encodeFrame } from '../../formats/raw-stream.ts';
import type { Exchange, Reply } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';
import { detachSequence, rawStreamType } from './attach.ts';
import { terminalSize } from './containers.ts';
import type { QueueOptions } from './output-queue.ts';
import { connectStdio } from './stdio.ts';

/** More processes in running containers. */
export function execRoutes(containers: ContainerService, queue: QueueOptions): Handlers {
  return {
    async ContainerExec(exchange) {
      const request = await exchange.body(execCreateRequest);
      if (!request.Cmd?.length) throw invalid('no exec command specified');
      detachSequence(request.DetachKeys || undefined);
      return { status: 201, body: { Id: await containers.execCreate(exchange.param('id'), request) } };
    },
    ExecStart: (exchange) => startExec(containers, queue, exchange),
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
  const terminal = inspected.ProcessConfig.tty;
  const open = (): void => {
    if (!connection.accepted) connection.accept(rawStreamType(exchange, terminal));
  };
  let begun = false;
  // A client makes itself ready for the stream while the runtime begins. One with a terminal gives it its size then, so
  // that there must be one.
  const accepted = (): void => {
    begun = true;
    if (!terminal) open();
  };
  let streams: ContainerStreams;
  try {
    streams = await containers.execStart(id, { detach: false, consoleSize: request.ConsoleSize, accepted });
    open();
  } catch (error) {
    if (!begun) throw error;
    open();
    // Clients learn why a command does not run from the stream and the exit code, as with Docker.
    const text = Buffer.from(`${messageOf(error)}\r\n`);
    connection.socket.end(terminal ? text : encodeFrame('stdout', text));
    connection.socket.resume();
    return undefined;
  }
  await connectStdio(connection.socket, streams, {
    stdin: inspected.OpenStdin,
    stdout: inspected.OpenStdout,
    stderr: inspected.OpenStderr,
    detachKeys: detachSequence(inspected.DetachKeys || undefined),
    queue,
    afterEnd: streams.ended,
  });
  return undefined;
}
