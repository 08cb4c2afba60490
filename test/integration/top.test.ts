import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ContainerTop } from '../../src/api/types/container-stats.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
  await engine.tug(['run', '-d', '--name', 'pair', 'busybox', 'sh', '-c', 'sleep 4711 & sleep 4712; true']);
  await engine.tug(['exec', 'pair', 'sh', '-c', 'until [ "$(pidof sleep | wc -w)" = 2 ]; do :; done']);
  await engine.tug(['create', '--name', 'still', 'busybox', 'true']);
});
after(() => engine?.[Symbol.asyncDispose]());

for (const cli of commandLines) {
  describe(`${cli} top`, () => {
    it('shows the processes of the container and no others', async () => {
      const { stdout } = await engine[cli](['top', 'pair']);
      const [head = '', ...rows] = stdout.trimEnd().split('\n');
      assert.deepEqual(head.split(/ +/), ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
      assert.equal(rows.length, 3, stdout);
      assert.match(stdout, /sleep 4711\n/);
      assert.match(stdout, /sleep 4712\n/);
    });

    it('takes the options of ps', async () => {
      const chosen = await engine[cli](['top', 'pair', '-o', 'pid,comm']);
      assert.match(chosen.stdout, /^PID +COMMAND\n\d+ +sh\n\d+ +sleep\n\d+ +sleep\n$/);
      const forest = await engine[cli](['top', 'pair', 'axf']);
      assert.match(forest.stdout, /\\_ sleep 4711/);
    });

    it("refuses in docker's words", async () => {
      for (const [args, why] of [
        [['pair', '-o', 'comm'], "Couldn't find PID field in ps output"],
        [['pair', '-o', 'ppid=PID'], 'specifying "ppid=PID" is not allowed'],
        [['pair', '--nonsense'], 'error: unknown gnu long option'],
        [['none'], 'No such container: none'],
      ] as const) {
        const { code, stderr } = await engine[cli](['top', ...args]);
        assert.equal(code, 1);
        assert.ok(stderr.startsWith('Error response from daemon: ') && stderr.includes(why), stderr);
      }
      assert.match((await engine[cli](['top', 'still'])).stderr, /container [0-9a-f]{64} is not running\n$/);
    });
  });
}

describe('GET /containers/{id}/top', () => {
  it('gives titles and rows of as many fields', async () => {
    const top = (await engine.api('GET', '/containers/pair/top?ps_args=-o%20pid,args')).json<ContainerTop>();
    assert.deepEqual(top.Titles, ['PID', 'COMMAND']);
    assert.deepEqual(
      top.Processes.map(([, command]) => command),
      ['sh -c sleep 4711 & sleep 4712; true', 'sleep 4711', 'sleep 4712'],
    );
  });

  it('answers what cannot be with a 4xx', async () => {
    assert.equal((await engine.api('GET', '/containers/still/top')).status, 409);
    assert.equal((await engine.api('GET', '/containers/none/top')).status, 404);
    for (const options of ['-o comm', '--nonsense', '-o x=PID', '\u0007', '-q']) {
      const answer = await engine.api('GET', `/containers/pair/top?ps_args=${encodeURIComponent(options)}`);
      assert.equal(answer.status, 400, `${options}: ${answer.text}`);
    }
  });
});
