import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { contextFolder, useEngine } from '../helpers/build.ts';

describe('tug build --why', () => {
  const { engine, base } = useEngine();

  it('says which input of each step changed', async () => {
    const folder = path.join(engine.root, 'why');
    fs.mkdirSync(folder);
    const write = (name: string, text: string): void => fs.writeFileSync(path.join(folder, name), text);
    const build = async (...args: string[]): Promise<string> => {
      const built = await engine.tug(['build', '--progress=plain', '--why', ...args, folder]);
      assert.equal(built.code, 0, built.stderr);
      const at = built.stderr.search(/\n(Steps that were done|Every step came)/);
      return built.stderr.slice(at + 1);
    };
    const dockerfile = (run: string): void =>
      write('Dockerfile', `FROM ${base}\nARG LEVEL=1\nWORKDIR /app\nCOPY a b ./\nRUN ${run}\nRUN echo last`);
    write('a', 'a');
    write('b', 'b');
    dockerfile('echo one > one');
    assert.match(await build(), /RUN echo one > one\n {5}it was not done before\n/);
    assert.equal(await build(), 'Every step came from the cache.\n');
    write('b', 'changed');
    const copied = await build();
    assert.match(copied, /COPY a b \.\/\n {5}file \/app\/b changed\n/);
    assert.match(copied, /RUN echo one > one\n {5}a step before it was done again\n/);
    dockerfile('echo two > two');
    assert.match(await build(), /RUN echo two > two\n {5}the command changed\n/);
    const argument = await build('--build-arg', 'LEVEL=2');
    assert.doesNotMatch(argument, /COPY/);
    assert.match(argument, /RUN echo two > two\n {5}ARG LEVEL changed\n/);
    assert.match(await build('--no-cache'), /RUN echo last\n {5}the cache was not to be used\n/);
    fs.rmSync(path.join(folder, 'a'));
    write('c', 'c');
    write('Dockerfile', `FROM ${base}\nARG LEVEL=1\nWORKDIR /app\nCOPY b c ./\nRUN echo two > two`);
    assert.match(await build(), /COPY b c \.\/\n {5}file \/app\/a is gone, file \/app\/c is new\n/);
  });

  it('sums up what was cached, what was run and what was slow', async () => {
    const lines = [`FROM ${base} AS made`, 'RUN sleep 2', `FROM ${base}`, 'COPY --from=made /etc/passwd /', 'RUN true'];
    const folder = contextFolder(engine, 'sum', lines.join('\n'));
    const summary = async (...args: string[]): Promise<string | undefined> => {
      const built = await engine.tug(['build', ...args, folder]);
      assert.equal(built.code, 0, built.stderr);
      return /^\d+ steps? .*$/m.exec(built.stderr)?.[0];
    };
    // that the copy had to wait does not make it slow
    const cold = /^3 steps in \d+\.\ds: 0 cached, 3 run; slowest: RUN sleep 2 \(Dockerfile:2\) \d+\.\ds/;
    assert.match((await summary()) ?? '', cold);
    assert.match((await summary('--progress=plain')) ?? '', /^3 steps in \d+\.\ds: 3 cached, 0 run/);
    assert.match((await summary('--no-cache-filter=made')) ?? '', /: 2 cached, 1 run; slowest: RUN sleep 2 /);
    for (const progress of ['quiet', 'rawjson']) assert.equal(await summary(`--progress=${progress}`), undefined);
    const failing = contextFolder(engine, 'sum-failed', [...lines, 'RUN exit 3'].join('\n'));
    const { code, stderr } = await engine.tug(['build', failing]);
    assert.equal(code, 3);
    // slow or not
    assert.match(stderr, /^4 steps in \d+\.\ds: 3 cached, 0 run, 1 failed(; slowest: RUN exit 3 .*)?$/m);
    assert.match(stderr, /^\d+ steps .*\nDockerfile:6\n/m); // the error has the last word
  });

  it('takes the word that no statements are wanted, and makes no lists of packages', async () => {
    const input = `FROM ${base}\nENV A=1`;
    const plain = await engine.tug(['build', '-q', '-'], { input });
    const off = ['--provenance=false', '--sbom=false', '--attest=type=provenance,disabled=true'];
    assert.equal((await engine.tug(['build', '-q', ...off, '-'], { input })).stdout, plain.stdout);
    for (const [option, error] of [
      ['--sbom=true', /looks for no packages/],
      ['--attest=type=sbom', /looks for no packages/],
    ] as const) {
      const refused = await engine.tug(['build', option, '-'], { input });
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, error);
    }
  });
});
