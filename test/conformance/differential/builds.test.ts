import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run, runChecked } from '../../../src/base/process.ts';
import { findProgram } from '../../../src/daemon/programs.ts';
import { startEngine, type TestEngine } from '../../helpers/engine.ts';
import { starterImage } from '../../helpers/engine-image.ts';
import { openAll } from '../../helpers/open-all.ts';
import { tugProgram } from '../../helpers/tug-program.ts';
import { describeBuilds, type Reference } from './build-differences.ts';
import { type BuiltImage, readBuilt } from './built-image.ts';
import { type Dockerd, startDockerd } from './dockerd.ts';

// The same Dockerfiles built by tug and by dockerd: its classic builder, and its BuildKit where a client of that age is
// installed to drive it. Each case is a folder; `case.json` says what is special about it.

interface Case {
  /** The builders that know its syntax. */
  readonly engines: readonly Reference[];
  readonly args?: readonly string[];
  /** `NAME.Dockerfile`s that are built before it, as `built-NAME`. */
  readonly before?: readonly string[];
  /** A Dockerfile in older syntax that comes to the same, for the references. */
  readonly reference?: string;
}

const fixtures = path.resolve(import.meta.dirname, '../../fixtures/builds');
/** What all files of the contexts are told to be of. */
const oldTime = 1_600_000_000;
const missing = ['dockerd', 'docker'].filter((program) => findProgram(program) === undefined);
const skip = missing.length > 0 && `${missing.join(' and ')} not installed: nothing to compare with`;

/** Docker's clients since 23 need a plugin to drive BuildKit; the one before has it built in. */
async function findOldClient(): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    const program = path.join(folder, 'docker');
    if (!fs.existsSync(program)) continue;
    const { stdout } = await run(program, ['--version']);
    const major = Number(/version (\d+)\./.exec(stdout)?.[1]);
    if (major >= 19 && major < 23) return program;
  }
  return undefined;
}

describe('images that tug builds beside those of dockerd', { skip, concurrency: 1 }, () => {
  let dockerd: Dockerd;
  let engine: TestEngine;
  let oldClient: string | undefined;
  const began = Math.floor(Date.now() / 1000) - 1;
  before(async () => {
    [dockerd, engine, oldClient] = await openAll(startDockerd(), startEngine(), findOldClient());
    await Promise.all([starterImage(dockerd), starterImage(engine)]);
  });
  after(async () => {
    await Promise.allSettled([dockerd?.[Symbol.asyncDispose](), engine?.[Symbol.asyncDispose]()]);
  });

  /** Builds all of a case with one client, and reads the image back. */
  const build = async (
    place: string,
    about: Case,
    { program, env, file, as }: { program: string; env: Record<string, string>; file: string; as: string },
  ): Promise<BuiltImage> => {
    const options = { env: { ...engine.clientEnv(), ...env }, timeout: 300_000 };
    for (const name of about.before ?? []) {
      const earlier = path.join(place, `${name}.Dockerfile`);
      await runChecked(program, ['build', '-q', '-f', earlier, '-t', `built-${name}`, place], options);
    }
    const args = (about.args ?? []).map((text) => text.replace('$FOLDER', place));
    await runChecked(program, ['build', '-q', ...args, '-f', path.join(place, file), '-t', as, place], options);
    const saved = path.join(engine.root, `${as}.tar`);
    await runChecked('docker', ['save', '-o', saved, as], options);
    return readBuilt(fs.readFileSync(saved), began);
  };

  for (const name of fs.readdirSync(fixtures).sort()) {
    const about = JSON.parse(fs.readFileSync(path.join(fixtures, name, 'case.json'), 'utf8')) as Case;
    it(`are the same for ${name}`, { timeout: 600_000 }, async (test) => {
      const place = path.join(engine.root, name);
      fs.cpSync(path.join(fixtures, name), place, { recursive: true, verbatimSymlinks: true });
      for (const file of fs.readdirSync(place, { recursive: true, encoding: 'utf8' }))
        fs.lutimesSync(path.join(place, file), oldTime, oldTime);
      const onDockerd = { DOCKER_HOST: `unix://${dockerd.socket}` };
      const file = about.reference ?? 'Dockerfile';
      const references = about.engines.filter((reference) => reference === 'classic' || oldClient !== undefined);
      const missing = 'no docker client between 19 and 22 is installed: not compared with BuildKit';
      if (references.length === 0) return test.skip(missing);
      if (references.length < about.engines.length) test.diagnostic(missing);
      const own = build(place, about, { program: tugProgram(), env: {}, file: 'Dockerfile', as: 'built' });
      const expected = references.map((reference) => {
        const program = reference === 'classic' ? 'docker' : (oldClient ?? '');
        const env = { ...onDockerd, DOCKER_BUILDKIT: reference === 'classic' ? '0' : '1' };
        return build(place, about, { program, env, file, as: `built-by-${reference}` });
      });
      await Promise.allSettled([own, ...expected]);
      const found: string[] = [];
      for (const [at, reference] of references.entries()) {
        const compared = { name, reference, rewritten: about.reference !== undefined };
        const wanted = (await expected[at]) ?? assert.fail('not built');
        found.push(...describeBuilds(compared, wanted, await own));
      }
      assert.equal(found.length, 0, `\n${found.join('\n')}\n`);
    });
  }
});
