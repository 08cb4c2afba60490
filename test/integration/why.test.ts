import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ContainerWhy } from '../../src/api/types/container-why.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { nextEvent } from '../helpers/events.ts';

let engine: TestEngine;
let image: string;

async function run(name: string, flags: readonly string[], ...command: string[]): Promise<void> {
  const { code, stderr } = await engine.tug(['run', '-d', '--name', name, ...flags, image, ...command]);
  assert.ok([0, 126, 127].includes(code), stderr);
}

/** Waits for a container's end. */
async function ended(name: string): Promise<void> {
  await engine.api('POST', `/containers/${name}/wait`);
}

async function factsOf(name: string): Promise<ContainerWhy> {
  const answer = await engine.api('GET', `/containers/${name}/why`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json<ContainerWhy>();
}

async function why(name: string): Promise<{ text: string; facts: ContainerWhy }> {
  const [{ code, stdout, stderr }, facts] = await Promise.all([engine.tug(['why', name]), factsOf(name)]);
  assert.deepEqual([code, stderr], [0, '']);
  return { text: stdout, facts };
}

const pidOf = async (name: string): Promise<number> =>
  (await engine.api('GET', `/containers/${name}/json`)).json<{ State: { Pid: number } }>().State.Pid;

describe('tug why', () => {
  before(async () => {
    engine = await startEngine();
    image = await starterImage(engine);
  });
  after(async () => await engine[Symbol.asyncDispose]());

  it('tells an end of its own, with the last lines of output', async () => {
    await run('fails', [], 'sh', '-c', 'for i in $(seq 30); do echo line $i; done; echo no database >&2; exit 3');
    await ended('fails');
    const { text, facts } = await why('fails');
    assert.deepEqual([facts.Status, facts.End?.ExitCode, facts.End?.Cause], ['exited', 3, 'itself']);
    assert.equal(facts.Output.length, 10);
    const json = await engine.tug(['why', '--format', 'json', 'fails']);
    assert.deepEqual(JSON.parse(json.stdout), facts);
    assert.deepEqual(facts.Output.at(-1), { Stream: 'stderr', Line: 'no database' });
    assert.match(text, /^fails \(.*\) ended .* ago, at /);
    assert.match(text, /ended with exit code 3\.\nIt ended on its own, and says that it failed\./);
    assert.match(text, /The last of its output:\n {2}line 22\n( {2}line 2\d\n){7} {2}line 30\n {2}no database\n$/);
  });

  it('tells who sent the signal: a client, a stop that lost its patience, or something else', async () => {
    const deaf = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'];
    await run('killed', [], 'sleep', '1000');
    await run('stopped', ['--init'], 'sleep', '1000');
    await run('deaf', [], ...deaf);
    await run('outside', [], 'sleep', '1000');
    await engine.tug(['kill', 'killed']);
    await engine.tug(['stop', 'stopped']);
    await engine.tug(['stop', '-t', '1', 'deaf']);
    const died = nextEvent(engine, 'outside', ({ Action }) => Action === 'die');
    process.kill(await pidOf('outside'), 'SIGKILL');
    await died;
    const causes = new Map<string, unknown>();
    for (const name of ['killed', 'stopped', 'deaf', 'outside']) {
      const facts = await factsOf(name);
      causes.set(name, [facts.End?.ExitCode, facts.End?.Signal?.Name, facts.End?.Cause]);
    }
    assert.deepEqual(Object.fromEntries(causes), {
      killed: [137, 'SIGKILL', 'kill'],
      stopped: [143, 'SIGTERM', 'stop'],
      deaf: [137, 'SIGKILL', 'stop-timeout'],
      outside: [137, 'SIGKILL', 'outside'],
    });
    assert.match((await why('deaf')).text, /A client stopped it; it did not end in time, and was killed\./);
    assert.match((await why('outside')).text, /Neither a client nor the engine sent it SIGKILL/);
  });

  it('tells that memory ran out, the limit and the peak', async () => {
    await run('greedy', ['-m', '16m', '--memory-swap', '16m'], 'sh', '-c', 'x=$(yes | head -c 100000000); echo $x');
    await ended('greedy');
    const { text, facts } = await why('greedy');
    assert.equal(facts.End?.Cause, 'oom');
    const { Limit = 0, Peak = 0, OOMKills = 0 } = facts.Memory ?? {};
    assert.deepEqual([Limit, OOMKills >= 1], [16 * 1024 * 1024, true]);
    assert.ok(Peak > 15 * 1024 * 1024 && Peak <= Limit, `${Peak}`);
    assert.match(text, /It used up to 1[56].*MiB of memory, of a limit of 16MiB; the kernel killed/);
  });

  it('tells which health check failed, with its output', async () => {
    const health = ['--health-cmd', 'echo no answer; exit 7', '--health-interval', '100ms', '--health-retries', '2'];
    const unhealthy = nextEvent(engine, 'sick', ({ Action }) => Action === 'health_status: unhealthy');
    await run('sick', health, 'sleep', '1000');
    await unhealthy;
    const { text, facts } = await why('sick');
    assert.deepEqual([facts.Health?.Status, facts.Health?.Failed?.ExitCode], ['unhealthy', 7]);
    assert.match(text, /^sick \(.*\) has been running for /);
    assert.match(text, /It is unhealthy: its health check \(echo no answer; exit 7\) failed \d+ times in a row\./);
    assert.match(text, /The last one that failed ended with exit code 7 at .*:\n {2}no answer\n/);
  });

  it('tells why a command cannot be run: the error of the runtime, and what is missing', async () => {
    await run('nosuch', [], 'nosuch');
    const { text, facts } = await why('nosuch');
    assert.deepEqual([facts.End, facts.Command?.Problem], [null, 'not-in-path']);
    assert.match(text, /could not be started.*\nThe error: .*"nosuch": executable file not found in \$PATH/);
    await run('dynamic', ['-v', '/bin/ls:/prog'], '/prog');
    await ended('dynamic');
    assert.deepEqual((await factsOf('dynamic')).Command?.Problem, 'missing-interpreter');
    assert.match((await why('dynamic')).text, /Its command \/prog needs \/lib.* which is not in the container\./);
  });

  it('tells a start that failed apart from the run before it, and an end that came at once', async () => {
    const source = path.join(engine.root, 'source');
    mkdirSync(source);
    await run('twice', ['-v', `${source}:/d`], 'sh', '-c', 'exit 6');
    await ended('twice');
    assert.equal((await factsOf('twice')).End?.ExitCode, 6);
    rmdirSync(source);
    writeFileSync(source, 'no folder any more');
    assert.notEqual((await engine.tug(['start', 'twice'])).code, 0);
    const { text, facts } = await why('twice');
    assert.deepEqual([facts.End?.ExitCode, facts.Error !== ''], [6, true]);
    assert.match(text, /^twice \(.*\) could not be started; .*\nIts run before ran for .* with exit code 6\.\n/);
  });

  it('tells the restarts, also after the engine was killed', async () => {
    await run('loops', ['--restart', 'on-failure:2'], 'sh', '-c', 'exit 9');
    let deaths = 0;
    await nextEvent(engine, 'loops', ({ Action }) => Action === 'die' && ++deaths === 3, 0);
    await engine.kill();
    await engine.restart();
    const { text, facts } = await why('loops');
    assert.deepEqual(
      facts.Runs.map(({ ExitCode, Ended }) => [ExitCode, typeof Ended]),
      [1, 2, 3].map(() => [9, 'string']),
    );
    assert.match(text, /Its restart policy on-failure:2 restarted it 2 times, last after 0\.\d+ seconds\./);
    assert.match(text, /Its last runs:\n( {2}.* exit code 9\n){3}/);
  });

  it('knows containers only', async () => {
    const { code, stderr } = await engine.tug(['why', 'nobody']);
    assert.deepEqual([code, stderr], [1, 'Error response from daemon: No such container: nobody\n']);
    await engine.tug(['create', '--name', 'fresh', image]);
    assert.match((await why('fresh')).text, /^fresh \(.*\) was created .* ago, at .*, and has not run\.\n$/);
  });
});
