import type { EventMessage } from '../api/types/event.ts';
import { inspect, logs } from '../client/calls/containers.ts';
import type { Engine } from '../client/engine.ts';
import { filtersQuery } from '../client/filters-query.ts';
import { jsonStream } from '../client/json-stream.ts';
import { createFrameDecoder, type StreamName } from '../formats/raw-stream.ts';
import { formatUnixTimestamp, parseTimestamp } from '../formats/timestamp.ts';
import { labelNames } from './labels.ts';
import type { Instance } from './observe.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly tail: string;
  readonly timestamps: boolean;
}

/** Who gets the lines of the containers. */
export interface LogSink {
  line(instance: Instance, stream: StreamName, text: string): void | Promise<void>;
}

/** Copies a container's log, line by line, to its end; with `follow` until it ends or `signal` is aborted. */
export async function copyLog(
  engine: Engine,
  instance: Instance,
  options: LogOptions,
  sink: LogSink,
  signal?: AbortSignal,
): Promise<void> {
  const query = { stdout: true, stderr: true, details: false, ...options };
  const { framed, body } = await logs(engine, instance.id, query);
  const isRaw = framed === undefined && (await inspect(engine, instance.id)).Config['Tty'] === true;
  const lines: [StreamName, string][] = [];
  const splitters = new Map<StreamName, LineSplitter>();
  const push = (stream: StreamName, data: Uint8Array): void => {
    const splitter = splitters.get(stream) ?? createLineSplitter((text) => lines.push([stream, text]));
    splitters.set(stream, splitter);
    splitter.push(data);
  };
  const decoder = createFrameDecoder(push);
  const onAbort = (): void => void body.return().catch(() => {});
  signal?.addEventListener('abort', onAbort);
  try {
    for await (const chunk of body) {
      if (signal?.aborted) break;
      if (isRaw || framed === false) push('stdout', chunk);
      else decoder.push(chunk);
      for (const [stream, text] of lines.splice(0)) await sink.line(instance, stream, text);
    }
    for (const splitter of splitters.values()) splitter.end();
    for (const [stream, text] of lines.splice(0)) await sink.line(instance, stream, text);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

interface LineSplitter {
  push(data: Uint8Array): void;
  end(): void;
}

const longestLine = 1024 * 1024;

/** Whole lines without their ends; a line that has no end after a megabyte is told in pieces. */
function createLineSplitter(onLine: (text: string) => void): LineSplitter {
  const decoder = new TextDecoder();
  let pending = '';
  return {
    push(data) {
      const parts = (pending + decoder.decode(data, { stream: true })).split('\n');
      pending = parts.pop() ?? '';
      for (const part of parts) onLine(part.replace(/\r$/, ''));
      if (pending.length > longestLine) {
        onLine(pending);
        pending = '';
      }
    },
    end() {
      if (pending !== '') onLine(pending);
      pending = '';
    },
  };
}

/** What is told of a project's containers while they are followed. */
export interface ProjectEvent {
  readonly id: string;
  readonly action: 'start' | 'die' | 'destroy';
  readonly exitCode: number | undefined;
  /** Unix seconds with a fraction, by the engine's clock. */
  readonly time: string;
  readonly name: string;
  readonly service: string;
  readonly number: number;
}

/**
 * Starts, ends and removals of a project's containers from now on: what happens after this has resolved is told.
 * @throws as a call of the engine does; iterating throws unavailable when the engine goes.
 */
export async function projectEvents(engine: Engine, project: string): Promise<AsyncGenerator<ProjectEvent, void>> {
  const filters = filtersQuery({
    type: ['container'],
    event: ['start', 'die', 'destroy'],
    label: [`${labelNames.project}=${project}`, `${labelNames.oneOff}=False`],
  });
  // the head of the answer comes when the engine listens
  const response = await engine.call('GET', '/events', { query: { filters } });
  return readEvents(response.body());
}

async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ProjectEvent, void> {
  for await (const { Actor, Action, timeNano } of jsonStream<EventMessage>(body)) {
    const attributes = Actor.Attributes;
    yield {
      id: Actor.ID,
      action: Action as ProjectEvent['action'],
      exitCode: attributes['exitCode'] === undefined ? undefined : Number(attributes['exitCode']),
      time: (timeNano / 1e9).toFixed(6),
      name: attributes['name'] ?? '',
      service: attributes[labelNames.service] ?? '',
      number: Number(attributes[labelNames.number] ?? 0),
    };
  }
}

/**
 * When a container that does not run ended last, so that what it writes in its next run can be told from what it wrote
 * before; undefined for one that never ran. The time of a start is no use: the first lines may be older.
 */
export async function lastEnd(engine: Engine, id: string): Promise<string | undefined> {
  const { State } = await inspect(engine, id);
  return State.FinishedAt.startsWith('0001-')
    ? undefined
    : formatUnixTimestamp(parseTimestamp(State.FinishedAt, { now: 0n }));
}
