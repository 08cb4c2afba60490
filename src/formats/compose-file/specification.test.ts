import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { composeFile } from './file-shape.ts';
import { parseYaml } from './parse.ts';
import { Problems } from './problems.ts';
import { read } from './shape.ts';

/** The keys of the Compose specification, by what they are of. */
const file = path.resolve(import.meta.dirname, '../../../test/fixtures/compose/keys.json');
const specified = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, readonly string[]>>;

/** How the keys of each are put into a file. */
const places: readonly (readonly [string, (key: string) => string])[] = [
  ['file', (key) => `${key}: `],
  ['service', (key) => `services: {a: {${key}: }}`],
  ['deployment', (key) => `services: {a: {deploy: {${key}: }}}`],
  ['healthcheck', (key) => `services: {a: {healthcheck: {${key}: }}}`],
  ['network', (key) => `networks: {a: {${key}: }}`],
  ['volume', (key) => `volumes: {a: {${key}: }}`],
  ['secret', (key) => `secrets: {a: {${key}: }}`],
  ['config', (key) => `configs: {a: {${key}: }}`],
  ['build', (key) => `services: {a: {build: {${key}: }}}`],
];

function faults(text: string): string {
  const problems = new Problems();
  const [tree] = parseYaml(text, 'f');
  read(composeFile, tree!, '', { problems, folder: '/', home: '/', lookup: () => undefined });
  try {
    problems.throwIfAny();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the compose specification', () => {
  it('has no key that is unknown here', () => {
    const unknown: string[] = [];
    for (const [name, put] of places) {
      const keys = specified[name] ?? [];
      assert.ok(keys.length > 2, name);
      for (const key of keys) if (faults(put(key)).includes('additional properties')) unknown.push(put(key));
    }
    assert.deepEqual(unknown, []);
    assert.match(faults('services: {a: {nonsense: }}'), /additional properties/);
  });
});
