import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { BuildMessage } from '../../src/api/types/build.ts';
import { type TestEntry, tarOf } from '../../src/images/testing/tar.ts';
import type { TestEngine } from './engine.ts';

/** What a build over the API came to. */
export interface Built {
  readonly status: number;
  readonly messages: readonly BuildMessage[];
  /** All that it said. */
  readonly said: string;
  readonly error: string | undefined;
  readonly id: string | undefined;
}

/** Files of a context by their names; a Dockerfile among them. */
export type ContextFiles = Readonly<Record<string, string | Buffer | Omit<TestEntry, 'name'>>>;

/** The tar of a context. */
export function contextOf(files: ContextFiles): Buffer {
  const entries = Object.entries(files).map(([name, file]): TestEntry => {
    return typeof file === 'string' || Buffer.isBuffer(file) ? { name, content: file } : { name, ...file };
  });
  return tarOf(...entries);
}

/** Makes the folder of a context below the engine's root, with no more than a Dockerfile in it. */
export function contextFolder(engine: TestEngine, name: string, Dockerfile: string): string {
  const folder = path.join(engine.root, name);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'Dockerfile'), Dockerfile);
  return folder;
}

/** Builds over the API, as the classic client does. */
export async function build(
  engine: TestEngine,
  files: ContextFiles,
  query: Readonly<Record<string, string>> = {},
): Promise<Built> {
  const answer = await engine.api('POST', `/build?${new URLSearchParams(query)}`, contextOf(files));
  const lines = answer.text.split('\r\n').filter(Boolean);
  const messages = lines.map((line) => JSON.parse(line) as BuildMessage & { message?: string });
  return {
    status: answer.status,
    messages,
    said: messages.map(({ stream = '' }) => stream).join(''),
    error: messages.map((one) => one.error ?? one.message).find((text) => text !== undefined),
    id: messages.map(({ aux }) => aux?.ID).find((id) => id !== undefined),
  };
}

/** As `build`, which must succeed. Returns the image's id. */
export async function buildImage(
  engine: TestEngine,
  files: ContextFiles,
  query: Readonly<Record<string, string>> = {},
): Promise<string> {
  const built = await build(engine, files, query);
  assert.equal(built.error, undefined, built.said);
  assert.equal(built.status, 200);
  return built.id ?? assert.fail('no image');
}
