import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { composeFile } from './file-shape.ts';
import { parseYaml } from './parse.ts';
import { Problems } from './problems.ts';
import { read } from './shape.ts';

/** The specification's own schema lies beside the project where it is at hand. */
const schemaFile = path.resolve(import.meta.dirname, '../../../../shared/specs/compose/compose-spec.json');
const absent = existsSync(schemaFile) ? false : 'the schema of the compose specification is not at hand';

type Schema = { readonly properties: Readonly<Record<string, unknown>> };
interface Specification extends Schema {
  readonly definitions: Readonly<
    Record<string, Schema & { readonly properties: { readonly build: { readonly oneOf: readonly Schema[] } } }>
  >;
}

/** How the keys of a definition are put into a file. */
const places: readonly (readonly [string, (key: string) => string])[] = [
  ['service', (key) => `services: {a: {${key}: }}`],
  ['deployment', (key) => `services: {a: {deploy: {${key}: }}}`],
  ['healthcheck', (key) => `services: {a: {healthcheck: {${key}: }}}`],
  ['network', (key) => `networks: {a: {${key}: }}`],
  ['volume', (key) => `volumes: {a: {${key}: }}`],
  ['secret', (key) => `secrets: {a: {${key}: }}`],
  ['config', (key) => `configs: {a: {${key}: }}`],
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

describe('the compose specification', { skip: absent }, () => {
  it('has no key that is unknown here', () => {
    const { properties, definitions } = JSON.parse(readFileSync(schemaFile, 'utf8')) as Specification;
    const unknown: string[] = [];
    const check = (keys: object, put: (key: string) => string): void => {
      for (const key of Object.keys(keys))
        if (faults(put(key)).includes('additional properties')) unknown.push(put(key));
    };
    check(properties, (key) => `${key}: `);
    for (const [name, put] of places) check(definitions[name]!.properties, put);
    const build = definitions['service']!.properties.build.oneOf[1]!;
    check(build.properties, (key) => `services: {a: {build: {${key}: }}}`);
    assert.deepEqual(unknown, []);
  });
});
