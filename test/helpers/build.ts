import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before } from 'node:test';
import { starterReference } from '../../scripts/starter-image.ts';
import type { BuildMessage } from '../../src/api/types/build.ts';
import { runChecked } from '../../src/base/process.ts';
import { type TestEntry, tarOf } from '../../src/images/testing/tar.ts';
import { type EngineOptions, startEngine, starterImage, type TestEngine } from './engine.ts';

/**
 * One engine for the tests of a suite, with the starter image (`base`): started before them and taken away after them.
 * To be called in the suite, in front of hooks that need it.
 */
export function useEngine(options: EngineOptions = {}): { readonly engine: TestEngine; readonly base: string } {
  let started: TestEngine | undefined;
  before(async () => {
    started = await startEngine(options);
    await starterImage(started);
  });
  after(() => started?.[Symbol.asyncDispose]());
  const engine = new Proxy({} as TestEngine, {
    get: (_, name) =>
      Reflect.get(started ?? assert.fail('the engine is started before the tests, not the suite'), name),
  });
  return { engine, base: starterReference };
}

/** For docker's client: without BuildKit's protocol, which this engine does not speak. */
export const classic = { env: { DOCKER_BUILDKIT: '0' } };

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

/** Makes a repository of a folder, its files committed to the branch `main`. Returns git for that repository. */
export async function beginRepository(
  engine: TestEngine,
  folder: string,
): Promise<(...args: string[]) => Promise<string>> {
  const env = { ...process.env, HOME: engine.root };
  const own = ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t'];
  const git = (...args: string[]): Promise<string> => runChecked('git', [...own, ...args], { env });
  await git('init', '-q', '-b', 'main');
  await git('add', '.');
  await git('commit', '-qm', 'one');
  return git;
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
