import assert from 'node:assert/strict';
import { globSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { createFlags } from '../../src/cli/commands/container/create-flags.ts';
import { command as runCommand } from '../../src/cli/commands/container/run.ts';
import { disagreements } from '../crash/invariants.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { nextEvent, pastEvents } from '../helpers/events.ts';
import { type FlagRow, type Observed, observe, type SaidRow, type SeenRow } from '../helpers/flag-effects.ts';
import { type FlagFiles, rowsOf, sharedRows } from '../helpers/flag-rows.ts';

let engine: TestEngine;
let plain: Observed;
let rows: readonly FlagRow[];
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
  rows = rowsOf(makeFiles(engine.root));
  await engine.tug(['run', '-d', '--name', 'plain', 'busybox', 'sleep', '1000']);
  plain = await observe(engine, 'plain');
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  // an engine leaves the parents that it was told to use, as Docker does
  for (const group of globSync('/sys/fs/cgroup/{,*/}tug-flags')) rmdirSync(group);
});
afterEach(() => engine.tug(['rm', '-f', 'flagged', 'open', 'hasty']));

function makeFiles(root: string): FlagFiles {
  const files = {
    folder: path.join(root, 'f'),
    labels: path.join(root, 'labels'),
    environment: path.join(root, 'env'),
  };
  mkdirSync(files.folder);
  writeFileSync(files.labels, 'filed=a b\n');
  writeFileSync(files.environment, 'FILED=c d\n');
  return files;
}

const isSeen = (row: FlagRow): row is SeenRow => 'saw' in row;
const isSaid = (row: FlagRow): row is SaidRow => 'says' in row;

/** Each flag is seen in a container that has it, and not in one that has none. */
function compare(seen: readonly SeenRow[], container: Observed): void {
  const of = (look: (row: SeenRow) => unknown) => Object.fromEntries(seen.map((row) => [row.flag, look(row)]));
  assert.deepEqual(
    of(({ saw }) => saw(container)),
    of(({ is }) => is),
  );
  const without = seen.filter(({ saw, is }) => isDeepStrictEqual(saw(plain), is)).map(({ flag }) => flag);
  assert.deepEqual(without, [], 'is seen without the flag too');
}

for (const cli of commandLines) {
  // Docker's client would have to know the flags that are tug's alone; none of those is among the seen
  describe(`flags of ${cli} run`, () => {
    it('have an effect that can be seen', async () => {
      const seen = rows.filter(isSeen);
      const health = ['--health-retries', '1', 'busybox', '1000'];
      const checked = nextEvent(engine, 'flagged', ({ Action }) => Action.startsWith('exec_die'));
      const ran = await engine[cli](['run', '-d', ...seen.flatMap(({ args }) => args), ...health]);
      assert.equal(ran.code, 0, ran.stderr);
      await checked;
      compare(seen, await observe(engine, 'flagged'));
    });

    it('that share what the host has show it', async () => {
      const seen = sharedRows.filter(isSeen);
      const ran = await engine[cli]([
        'run',
        '-d',
        '--name',
        'open',
        ...seen.flatMap(({ args }) => args),
        'busybox',
        'sleep',
        '1000',
      ]);
      assert.equal(ran.code, 0, ran.stderr);
      compare(seen, await observe(engine, 'open'));
    });

    it('that cannot be are refused, and others speak for themselves', async () => {
      for (const { flag, args, says } of rows.filter(isSaid)) {
        const { code, stdout, stderr } = await engine[cli](['run', '--rm', ...args]);
        assert.match(`${code} ${(stdout + stderr).trim()}`, says, `--${flag}`);
      }
    });
  });
}

describe('flags', () => {
  it('--stop-timeout is the time that a stop waits', async () => {
    await engine.tug(['run', '-d', '--name', 'hasty', '--stop-timeout', '0', 'busybox', 'sleep', '1000']);
    const began = Date.now() / 1000;
    await engine.api('POST', '/containers/hasty/stop');
    const signals = await pastEvents(engine, began, { container: ['hasty'], event: ['kill'] });
    assert.deepEqual(
      signals.map(({ Actor }) => Actor.Attributes['signal']),
      ['15', '9'],
    );
    const [asked = 0, killed = 0] = signals.map(({ timeNano }) => timeNano / 1e9);
    assert.ok(killed - asked < 9.5, 'not the 10 seconds of the default');
  });

  it('are all observed, here or in another test', () => {
    const tested = new Map([...rows, ...sharedRows].map((row) => [row.flag, row]));
    const wanted = createFlags.filter(({ aliasOf }) => aliasOf === undefined).map(({ long }) => long);
    assert.deepEqual([...tested.keys()].sort(), wanted.sort(), 'each flag has one row, and each row a flag');
    const ofRun = (runCommand.flags ?? []).filter((flag) => !createFlags.includes(flag)).map(({ long }) => long);
    assert.deepEqual(ofRun.sort(), Object.keys(testsOfRun).sort());
    const tests = [...tested.values()].flatMap((row) => ('test' in row ? [row.test] : []));
    for (const test of [...tests, ...Object.values(testsOfRun)]) {
      const [, file = '', name = ''] = /^(\S+): (.*)$/.exec(test) ?? [];
      assert.ok(readFileSync(path.join(import.meta.dirname, file), 'utf8').includes(`it('${name}'`), test);
    }
  });

  it('leave nothing behind', async () => {
    await engine.tug(['rm', '-f', 'plain']);
    assert.deepEqual(await disagreements(engine), []);
  });
});

/** Where the flags that `run` has and `create` has not are observed. */
const testsOfRun: Readonly<Record<string, string>> = {
  detach: 'run.test.ts: prints the id with -d, keeps the name, and writes the id file once',
  'detach-keys': 'terminal.test.ts: is left by ctrl-p ctrl-q, and entered again by attach',
  'sig-proxy': 'run.test.ts: run on without signals when --sig-proxy is off and the client ends',
};
