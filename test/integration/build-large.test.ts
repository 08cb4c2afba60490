import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { contextFolder } from '../helpers/build.ts';
import { startEngine, type TestEngine } from '../helpers/engine.ts';

const count = process.env['TUG_LARGE'] === '1' ? 1_000_000 : 6000;
/** MiB of the engine at its most; fewer files cannot need that much. */
const most = count > 100_000 ? 1300 : undefined;
const Dockerfile = 'FROM scratch AS one\nCOPY d1/f7 /\nFROM scratch\nCOPY . /files\n';
const title = `a context of ${count} files is built${most === undefined ? '' : ' in bounded memory'}, and anew when one of them changed`;

test(title, async (t) => {
  await using engine = await startEngine();
  const folder = contextFolder(engine, 'large', Dockerfile);
  const checkPeak = (when: string): void => {
    if (most === undefined) return;
    const peak = peakOf(engine);
    t.diagnostic(`the engine at its most, ${when}: ${peak.toFixed(0)} MiB`);
    assert.ok(peak < most, `${when}: ${peak} MiB`);
  };
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=0', 'tmpfs', folder]);
  try {
    fs.writeFileSync(path.join(folder, 'Dockerfile'), Dockerfile); // the mount hides the other
    for (let outer = 0; outer < count / 1000; outer += 1) {
      fs.mkdirSync(path.join(folder, `d${outer}`));
      for (let inner = 0; inner < 1000; inner += 1)
        fs.closeSync(fs.openSync(path.join(folder, `d${outer}/f${inner}`), 'w'));
    }
    fs.writeFileSync(`/proc/${engine.pid}/clear_refs`, '5'); // the peak begins anew
    const one = await engine.tug(['build', '-q', '--target', 'one', folder]);
    assert.equal(one.code, 0, one.stderr);
    const all = await engine.tug(['build', '-q', folder]);
    assert.equal(all.code, 0, all.stderr);
    checkPeak('cold');
    fs.writeFileSync(path.join(folder, 'd2/f5'), 'changed');
    const changed = await engine.tug(['build', '-q', folder]);
    assert.equal(changed.code, 0, changed.stderr);
    assert.notEqual(changed.stdout, all.stdout);
    checkPeak('with one file changed');
  } finally {
    execFileSync('umount', [folder]);
  }
});

function peakOf({ pid }: TestEngine): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
