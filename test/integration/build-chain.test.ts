import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { build, classic, contextFolder, useEngine } from '../helpers/build.ts';

describe('a RUN that fails says which of its commands did', () => {
  const { engine, base } = useEngine();

  const failure = async (...lines: string[]): Promise<string> => {
    const built = await build(engine, { Dockerfile: [`FROM ${base}`, ...lines].join('\n') }, { networkmode: 'none' });
    return built.error ?? assert.fail(built.said);
  };

  it('to the API, behind the words of Docker', async () => {
    const command = 'echo one && cd /tmp && sh -c "exit 4" && echo never';
    assert.equal(
      await failure(`RUN ${command}`),
      `The command '/bin/sh -c ${command}' returned a non-zero code: 4\ncommand 3 of 4: \`sh -c "exit 4"\`: exit code 4 (Dockerfile:2)`,
    );
  });

  it('with its line, over continued lines and comments, for any user', async () => {
    const said = await failure(
      ...['USER 1000:1000', 'RUN --network=none \\', '  echo one \\', '# two', '\\', '  && echo \\', '  two \\'],
      ...['  && cat \\', '    /none'],
    );
    assert.match(said, /\ncommand 3 of 3: `cat \/none`: exit code 1 \(Dockerfile:9\)$/);
  });

  it('in heredocs and under set -e', async () => {
    const said = await failure('RUN <<EOF', 'set -eu', 'echo one', '# a comment', 'cat /none', 'echo never', 'EOF');
    assert.match(said, /\ncommand 3 of 4: `cat \/none`: exit code 1 \(Dockerfile:6\)$/);
    const shell = await failure('SHELL ["/bin/sh", "-ec"]', 'RUN echo one; false; echo never');
    assert.match(shell, /\ncommand 2 of 3: `false`: exit code 1 \(Dockerfile:3\)$/);
  });

  it('and nothing where it is not known', async () => {
    for (const command of ['echo one; exit 3', 'true && trap "exit 3" EXIT && true', '["sh", "-c", "true && exit 3"]'])
      assert.match(await failure(`RUN ${command}`), /returned a non-zero code: 3$/, command);
  });

  it('without a change of what is printed, made and kept', async () => {
    const command = 'set -x && echo "$?" "$_" && echo one > /one && ls / && false';
    const { said } = await build(engine, { Dockerfile: `FROM ${base}\nRUN ${command}` }, { networkmode: 'none' });
    const printed = said.slice(said.indexOf(command) + command.length);
    const told = printed.split('\n').filter(Boolean);
    assert.deepEqual(
      told.filter((line) => line.startsWith('+')),
      ['+ echo 0 ', '+ echo one', '+ ls /', '+ false'],
    );
    assert.equal(
      told.find((line) => !line.startsWith('+')),
      '0 ',
    );
    const lines = [`FROM ${base}`, 'RUN echo one > /one && echo two > /two', 'RUN ls -A / /dev > /list && cat /list'];
    const built = await build(engine, { Dockerfile: lines.join('\n') }, { networkmode: 'none' });
    const history = await engine.docker(['history', '--no-trunc', '--format', '{{.CreatedBy}}', built.id ?? '']);
    assert.match(history.stdout, /^RUN \/bin\/sh -c echo one > \/one && echo two > \/two # buildkit$/m);
    const changed = await engine.docker(['run', '--rm', '--network=none', built.id ?? '', 'ls', '-A', '/dev']);
    assert.doesNotMatch(changed.stdout, /tug/);
  });

  it('to tug build and to docker build', async () => {
    const folder = contextFolder(engine, 'chain', `FROM ${base}\nRUN true \\\n && exit 7 && true\n`);
    const tug = await engine.tug(['build', '--network=none', '--progress=plain', folder]);
    assert.equal(tug.code, 7);
    assert.match(tug.stderr, /exit code: 7\ncommand 2 of 3: `exit 7`: exit code 7 \(Dockerfile:3\)\n/);
    const docker = await engine.docker(['build', '--network=none', folder], classic);
    assert.match(
      docker.stdout + docker.stderr,
      /non-zero code: 7\ncommand 2 of 3: `exit 7`: exit code 7 \(Dockerfile:3\)\n/,
    );
  });
});
