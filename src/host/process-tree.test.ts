import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { killTree } from './process-tree.ts';
import { watchExit } from './process-watch.ts';

describe('killing a process', () => {
  it('kills its descendants too, and nothing when it is gone', async () => {
    const script = 'sh -c "sleep 1000 & echo \\$! ; sleep 1000; true" & sleep 1000 & echo $!; wait';
    const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(child, 'exit');
    let text = '';
    for await (const chunk of child.stdout) {
      text += String(chunk);
      if (text.split('\n').length > 2) break;
    }
    const grandchildren = text.split('\n').filter(Boolean).map(Number);
    killTree(child.pid ?? 0);
    await ended;
    await Promise.all(grandchildren.map((pid) => watchExit(pid).exited));
    killTree(child.pid ?? 0);
    assert.equal(grandchildren.length, 2);
  });

  it('kills what another thread than the first has started', async () => {
    const worker = "require('child_process').spawn('sh', ['-c', 'echo $$; exec sleep 1000'], { stdio: 'inherit' })";
    const script = `new (require('worker_threads').Worker)(${JSON.stringify(worker)}, { eval: true })`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(child, 'exit');
    const [text] = (await once(child.stdout, 'data')) as [Buffer];
    killTree(child.pid ?? 0);
    await ended;
    await watchExit(Number(text.toString())).exited;
  });

  it('leaves none that was just being made', async () => {
    const nap = `1000.${process.pid}`;
    const script = `echo; i=0; while [ $i -lt 200 ]; do sleep ${nap} & i=$((i+1)); done; sleep ${nap}`;
    const left = (): number[] => processesWith(nap);
    try {
      for (let round = 0; round < 20; round += 1) {
        const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
        const ended = once(child, 'exit');
        await once(child.stdout, 'data');
        killTree(child.pid ?? 0);
        await ended;
      }
      await Promise.race([
        Promise.all(left().map((pid) => watchExit(pid).exited)), // those that were killed end
        new Promise((resolve) => setTimeout(resolve, 5000).unref()),
      ]);
      assert.deepEqual(left(), []);
    } finally {
      for (const pid of left()) killTree(pid);
    }
  });
});

/** Living ones with a word in their command line. */
function processesWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => {
      try {
        return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(word);
      } catch {
        return false; // it has ended
      }
    })
    .map(Number);
}
