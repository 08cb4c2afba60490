import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { createTarReader } from '../../../src/formats/tar/reader.ts';
import { starterImage } from '../../helpers/engine-image.ts';
import { clear, comparedVersion, pretty } from './perform.ts';
import type { Outcome } from './scenario.ts';

/** Calls of an SDK that are made to each engine in the same order, each under the words that name it. */
export interface SdkScenario {
  readonly name: string;
  readonly steps: Readonly<Record<string, (docker: Docker) => Promise<unknown>>>;
}

/** Runs all steps, one after the other, on an engine that has the starter image and nothing else. */
export async function performByDockerode(scenario: SdkScenario, socket: string): Promise<Outcome[]> {
  await clear(socket);
  await starterImage({ socket });
  const docker = new Docker({ socketPath: socket, version: `v${comparedVersion}` });
  const outcomes: Outcome[] = [];
  for (const call of Object.values(scenario.steps)) outcomes.push(await outcomeOf(() => call(docker)));
  await clear(socket);
  return outcomes;
}

async function outcomeOf(call: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { code: 200, out: pretty(JSON.stringify(await call()) ?? ''), err: '' };
  } catch (error) {
    const { statusCode, json } = error as { statusCode?: number; json?: { message?: string } };
    if (statusCode === undefined) throw error;
    return { code: statusCode, out: '', err: `Error response from daemon: ${json?.message}` };
  }
}

/** An archive as it came, and the names in it without the slashes and dots that engines put before them. */
export async function readArchive(stream: NodeJS.ReadableStream): Promise<{ archive: Buffer; names: string[] }> {
  const archive = await buffer(stream as Readable);
  const names: string[] = [];
  const reader = createTarReader({
    entry: ({ path }) => void names.push((path ?? '').replace(/^[./]+/, '')),
    data: () => {},
    end: () => {},
  });
  reader.feed(archive);
  reader.finish();
  return { archive, names };
}

/** The actions that events tell of since a moment (Unix seconds), up to one that is behind all that has happened. */
export async function actionsSince(docker: Docker, since: number, filters: object): Promise<string[]> {
  const stream = await docker.getEvents({ since, until: (Date.now() + 5) / 1000, filters: JSON.stringify(filters) });
  const lines = (await text(stream as Readable)).trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { Action: string }).Action);
}
