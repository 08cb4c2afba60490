import type { ContainerService } from '../../containers/contract.ts';
import { defaultDetachKeys, parseDetachKeys } from '../../formats/detach-keys.ts';
import type { Exchange } from '../http/exchange.ts';
import { isBelow } from '../http/versions.ts';
import { websocketHead, websocketStream } from '../http/websocket-stream.ts';
import type { QueueOptions } from './output-queue.ts';
import { connectStdio } from './stdio.ts';

/** `POST /containers/{id}/attach`: the connection becomes the container's stdio. */
export async function attachContainer(
  containers: ContainerService,
  queue: QueueOptions,
  exchange: Exchange,
): Promise<undefined> {
  const { connection, streams, wants } = await attach(containers, exchange);
  connection.accept(rawStreamType(exchange, streams.terminal));
  await connectStdio(connection.socket, streams, { ...wants, queue });
}

/** `GET /containers/{id}/attach/ws`: the same over a WebSocket, in binary frames, output and errors as one stream. */
export async function attachOverWebSocket(
  containers: ContainerService,
  queue: QueueOptions,
  exchange: Exchange,
): Promise<undefined> {
  const head = websocketHead(exchange.request);
  const { connection, streams, wants } = await attach(containers, exchange);
  connection.switchTo(head);
  await connectStdio(websocketStream(connection.socket), streams, { ...wants, queue, unframed: true });
}

/** Takes the connection over and the container's streams, as the query asks for them. */
async function attach(containers: ContainerService, exchange: Exchange) {
  const { query } = exchange;
  const detachKeys = detachSequence(query.text('detachKeys'));
  const wanted = { stdin: query.boolean('stdin'), stdout: query.boolean('stdout'), stderr: query.boolean('stderr') };
  const connection = await exchange.hijack();
  const options = { ...wanted, logs: query.boolean('logs'), stream: query.boolean('stream') };
  const streams = await containers.attach(exchange.param('id'), options, exchange.signal);
  return { connection, streams, wants: { ...wanted, detachKeys } };
}

/** The keys that detach. @throws invalid for what is no key sequence. */
export function detachSequence(text: string | undefined): Buffer {
  return parseDetachKeys(text ?? defaultDetachKeys);
}

/** Old versions have one name for both kinds of stream. */
export function rawStreamType({ version }: Exchange, terminal: boolean): string {
  return terminal || isBelow(version, '1.42')
    ? 'application/vnd.docker.raw-stream'
    : 'application/vnd.docker.multiplexed-stream';
}
