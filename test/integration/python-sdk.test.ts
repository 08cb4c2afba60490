import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { it } from 'node:test';
import { run } from '../../src/base/process.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';

const library = '/usr/lib/python3/dist-packages/docker/__init__.py';
const skip = !existsSync(library) && "Docker's library for Python is not installed (Debian: python3-docker)";
const tour = path.resolve(import.meta.dirname, '../fixtures/python-sdk/tour.py');

it("does what Docker's library for Python asks of it", { skip }, async () => {
  await using engine = await startEngine();
  await starterImage(engine);
  const { code, stdout, stderr } = await run('/usr/bin/python3', ['-B', tour, engine.socket, 'py-']);
  assert.deepEqual([code, stdout], [0, 'all as with Docker\n'], stderr);
});
