import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { messageOf } from '../../base/errors.ts';
import { lintDockerfile } from './lint/lint.ts';
import { parseDockerfile } from './parse-dockerfile.ts';
import type { Instruction, LineRange } from './types.ts';

const folder = path.resolve(import.meta.dirname, '../../../test/fixtures/dockerfiles');
const platform = { os: 'linux', architecture: 'amd64' };

const range = ({ first, last }: LineRange): string => (first === last ? `${first}` : `${first}-${last}`);

function described({ statement, ...rest }: Instruction): object {
  const heredocs = statement.heredocs.length > 0 && !('sources' in rest) ? { heredocs: statement.heredocs } : {};
  return { lines: range(statement.lines), ...rest, ...heredocs };
}

/** What expected.json of a case has: the file understood and the warnings about it, or the error. */
function describeFile(bytes: Uint8Array): object {
  try {
    const dockerfile = parseDockerfile(bytes);
    const { warnings } = lintDockerfile(dockerfile, { platforms: { build: platform, target: platform }, check: '' });
    return {
      directives: dockerfile.directives,
      globalArgs: dockerfile.globalArgs.map(described),
      stages: dockerfile.stages.map(({ name, from, instructions }) => ({
        ...(name === undefined ? {} : { name }),
        from: described(from),
        instructions: instructions.map(described),
      })),
      warnings: warnings.map(({ rule, lines }) => `${rule} ${range(lines)}`),
    };
  } catch (error) {
    return { error: messageOf(error).split('\n') };
  }
}

describe('the Dockerfiles of test/fixtures', () => {
  for (const name of readdirSync(folder)) {
    it(`are understood: ${name}`, () => {
      const expected: unknown = JSON.parse(readFileSync(path.join(folder, name, 'expected.json'), 'utf8'));
      const found = describeFile(readFileSync(path.join(folder, name, 'Dockerfile')));
      assert.deepEqual(JSON.parse(JSON.stringify(found)), expected);
    });
  }
});
