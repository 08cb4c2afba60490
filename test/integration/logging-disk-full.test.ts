import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { logged } from '../helpers/engine-log.ts';
import { makeSmallDisk, type SmallDisk } from '../helpers/small-disk.ts';

describe('a disk that is full under the logs', () => {
  let disk: SmallDisk;
  let engine: TestEngine;
  before(async () => {
    disk = await makeSmallDisk(48);
    engine = await startEngine({ args: ['--data-root', disk.folder] });
    await starterImage(engine);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    await disk?.[Symbol.asyncDispose]();
  });

  for (const driver of ['local', 'json-file']) {
    it(`stops neither the container nor the engine, and says what is lost (${driver})`, async () => {
      const gate = (file: string) => `while [ ! -e ${file} ]; do sleep 0.02; done`;
      const script = `${gate('/go')}; seq 1 100000; touch /written; ${gate('/on')}; seq 200001 200100; ${gate('/end')}`;
      const args = ['--log-driver', driver, '--tmpfs', '/t', '--log-opt', 'max-size=2m', 'busybox', 'sh', '-c', script];
      const mark = engine.log().length;
      await engine.tug(['run', '-d', '--name', driver, ...args]);
      const filler = path.join(disk.folder, 'filler');
      fs.writeFileSync(filler, Buffer.alloc((await disk.free()) - 500_000, 1));
      await engine.docker(['exec', driver, 'sh', '-c', `touch /go; ${gate('/written')}`]);
      await logged(engine, /the disk is full: what a container writes from now on is not logged/, mark);
      assert.ok((await disk.free()) < 4096);
      fs.rmSync(filler);
      await engine.docker(['exec', driver, 'touch', '/on']);
      await logged(engine, /is logged again; what it wrote while the disk was full is lost/, mark);
      await engine.docker(['exec', driver, 'touch', '/end']);
      await engine.docker(['wait', driver]);
      const lines = (await engine.docker(['logs', driver])).stdout.trim().split('\n');
      assert.ok(lines.length > 1000 && lines.length < 100_100, `${lines.length} lines`);
      // gaps where the disk was full, with lines at their edges that may be torn, and the one the script makes
      const gaps = lines.filter((line, index) => Number(line) !== Number(lines[index - 1] ?? 0) + 1);
      assert.ok(gaps.length <= 10, `gaps before ${gaps.slice(0, 10)}`);
      assert.deepEqual(
        lines.slice(-99),
        Array.from({ length: 99 }, (_, index) => String(200_002 + index)),
      );
      await engine.tug(['rm', driver]);
    });
  }
});
