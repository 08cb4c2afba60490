import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { disagreements } from '../crash/invariants.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { listProcesses } from '../helpers/leaks-processes.ts';
import { until } from '../helpers/until.ts';

/** Seconds that no other test sleeps. */
const nap = `1000.${process.pid}`;

/** crun, but for one of its commands, at which it leaves a file and sleeps. */
const script = (folder: string, hangsAt: string): string => `#!/bin/sh
for word in "$@"; do case "$word" in ${hangsAt}) touch ${folder}/hangs; exec sleep ${nap};; esac; done
exec crun "$@"
`;

let engine: TestEngine;
let folder: string;
before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'hanging-'));
  const names = { creates: 'create', execs: 'exec', deletes: 'delete', never: '*' };
  const runtimes = Object.fromEntries(Object.keys(names).map((name) => [name, { path: path.join(folder, name) }]));
  for (const [name, at] of Object.entries(names))
    writeFileSync(path.join(folder, name), script(folder, at), { mode: 0o755 });
  writeFileSync(path.join(folder, 'daemon.json'), JSON.stringify({ runtimes }));
  engine = await startWith(2);
});

/** An engine whose runtimes may take so long. */
async function startWith(seconds: number): Promise<TestEngine> {
  const args = ['--config-file', path.join(folder, 'daemon.json'), '--runtime-timeout', String(seconds)];
  await using opened = new AsyncDisposableStack();
  const one = opened.use(await startEngine({ args }));
  await starterImage(one);
  opened.move();
  return one;
}

after(async () => {
  await engine?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => rmSync(path.join(folder, 'hangs'), { force: true }));

const stateOf = async (name: string) =>
  (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>().State;

/** Resolves when the runtime hangs. */
async function hung(): Promise<void> {
  const watcher = watch(folder);
  try {
    if (existsSync(path.join(folder, 'hangs'))) return;
    await new Promise<void>((resolve) => watcher.on('change', (_, name) => name === 'hangs' && resolve()));
  } finally {
    watcher.close();
  }
}

/** Nothing of it is left, nor of the program that it slept in. */
async function checkClean(one: TestEngine = engine): Promise<void> {
  assert.deepEqual(await disagreements(one), []);
  const left = () =>
    listProcesses().filter(
      ({ command }) => command.includes(nap) || (command.includes(folder) && !command.includes('bin/tugd')),
    );
  // what was killed is there for a moment
  await until(
    () => left().length === 0,
    () => `${JSON.stringify(left())} to end`,
    60_000,
  );
}

describe('a runtime that hangs', () => {
  for (const cli of commandLines) {
    it(`is killed when its time is over, and ${cli} tells`, async () => {
      const said = await engine[cli](['run', '--name', 'late', '--runtime', 'creates', 'busybox', 'true']);
      assert.equal(said.code, 125);
      assert.match(said.stderr, /the OCI runtime creates did not end within 2 seconds and was killed/);
      const state = await stateOf('late');
      assert.deepEqual([state.Status, state.Pid], ['created', 0]);
      assert.match(state.Error, /did not end within 2 seconds/);
      await checkClean();
      assert.equal((await engine[cli](['rm', 'late'])).code, 0);
    });
  }

  it('is given up for a stop, a kill, or a removal', async () => {
    await using patient = await startWith(60); // the command comes long before
    for (const [runtime, ...end] of [
      ['creates', 'stop'],
      ['creates', 'kill'],
      ['never', 'kill'],
      ['never', 'rm', '-f'],
    ] as const) {
      const what = `${end.join(' ')} of ${runtime}`;
      await patient.tug(['create', '--name', 'stuck', '--runtime', runtime, 'busybox', 'true']);
      const starting = patient.api('POST', '/containers/stuck/start');
      await hung();
      assert.deepEqual(await patient.tug([...end, 'stuck']), { code: 0, stdout: 'stuck\n', stderr: '' }, what);
      const { status, text } = await starting;
      assert.equal(status, 409, `${what}: ${text}`);
      assert.match(text, /the start of container stuck was called off/);
      await checkClean(patient);
      if (end[0] !== 'rm') assert.equal((await patient.tug(['rm', 'stuck'])).code, 0, what);
      rmSync(path.join(folder, 'hangs'), { force: true });
    }
  });

  it('when it runs a command is killed, and the container runs on', async () => {
    await engine.tug(['run', '-d', '--name', 'on', '--runtime', 'execs', 'busybox', 'sleep', '1000']);
    const said = await engine.tug(['exec', 'on', 'true']);
    assert.notEqual(said.code, 0);
    // where Docker tells why a command does not run
    assert.match(said.stdout, /the OCI runtime execs did not end within 2 seconds and was killed/);
    assert.equal((await stateOf('on')).Running, true);
    assert.equal((await engine.tug(['rm', '-f', 'on'])).code, 0);
    await checkClean();
  });

  it('when it deletes is killed, and what it kept is taken away without it', async () => {
    await engine.tug(['run', '-d', '--name', 'kept', '--runtime', 'deletes', 'busybox', 'sleep', '1000']);
    assert.equal((await engine.tug(['rm', '-f', 'kept'])).code, 0);
    assert.ok(existsSync(path.join(folder, 'hangs')));
    assert.equal(existsSync(path.join(engine.execRoot, 'runtime/deletes')), true);
    await checkClean();
  });

  it('does not keep the next engine from coming up', async () => {
    await engine.tug(['create', '--name', 'stuck', '--runtime', 'never', 'busybox', 'true']);
    const starting = engine.api('POST', '/containers/stuck/start').catch(() => undefined);
    await hung();
    await engine.kill();
    await starting;
    await engine.restart();
    assert.equal((await stateOf('stuck')).Status, 'created');
    assert.equal((await engine.tug(['rm', 'stuck'])).code, 0);
    await checkClean();
  });
});
