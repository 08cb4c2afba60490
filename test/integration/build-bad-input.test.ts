import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { build, buildImage, classic, contextFolder, useEngine } from '../helpers/build.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { until } from '../helpers/until.ts';

const long = 10_000_000;

describe('a build of what nobody should write', () => {
  const { engine, base } = useEngine();

  const by = async (client: 'tug' | 'docker', folder: string, ...args: string[]) => {
    const built = await engine[client](['build', ...args, folder], classic);
    return { code: built.code, said: `${built.stdout}${built.stderr}` };
  };
  const sh = async (image: string, script: string): Promise<string> => {
    const ran = await engine.tug(['run', '--rm', '--network=none', image, 'sh', '-c', script]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };

  for (const client of commandLines) {
    it(`(${client}) says where it is wrong, and makes nothing`, async () => {
      const cases: readonly (readonly [dockerfile: string, error: RegExp])[] = [
        // ARG before FROM
        ['ARG BASE\nFROM $BASE', /base name \(\$BASE\) should not be blank/],
        ['ARG TAG=1\nFROM $TAGS', /base name \(\$TAGS\) should not be blank/],
        [`ARG A=1\nCOPY a /\nFROM ${base}`, /no build stage in current context/],
        [`ARG A=1\nENV B=1\nFROM ${base}`, /no build stage in current context/],
        ['ARG ONLY=1', /contains no stages to build/],
        [`ARG P=a/b/c/d\nFROM --platform=$P ${base}`, /invalid platform "a\/b\/c\/d": it must be OS\/ARCH/],
        [`FROM ${base}:\${MISSING:?it has to be given}`, /MISSING.*it has to be given/s],
        // stages
        [`FROM ${base} AS one\nCOPY --from=one / /x`, /circular dependency detected on stage: one/],
        [`FROM ${base} AS one\nCOPY --from=two / /x\nFROM one AS two`, /circular dependency detected on stage: one/],
        [`FROM ${base} AS one\nRUN --mount=from=two,target=/x true\nFROM one AS two`, /circular dependency detected/],
        [`FROM ${base}\nCOPY --from=7 / /x`, /invalid stage index 7/],
        // text
        [`FROM ${base}\nRUN caf\xe9`, /not valid UTF-8/],
        [`FROM ${base}\nLABEL a="\xff\xfe"`, /not valid UTF-8/],
        [`FROM ${base}\nRUN \0`, /NUL character/],
        // secrets
        [`FROM ${base}\nRUN --mount=type=secret,id=none,required true`, /secret none: not found/],
        [
          `FROM ${base}\nRUN --mount=type=secret,required true`,
          /invalid secret mount\. one of source, target required/,
        ],
      ];
      const images = (await engine.api('GET', '/images/json?all=1')).text;
      const folder = contextFolder(engine, `wrong-${client}`, '');
      fs.writeFileSync(path.join(folder, 'a'), 'a');
      for (const [dockerfile, error] of cases) {
        fs.writeFileSync(path.join(folder, 'Dockerfile'), Buffer.from(dockerfile, 'latin1'));
        const { code, said } = await by(client, folder);
        assert.notEqual(code, 0, dockerfile);
        assert.match(said, error, dockerfile);
        assert.doesNotMatch(said, /TypeError|undefined/, dockerfile);
      }
      assert.equal((await engine.api('GET', '/images/json?all=1')).text, images);
    });

    it(`(${client}) takes nothing from outside the context`, async () => {
      const folder = contextFolder(engine, `links-${client}`, '');
      const outside = path.join(engine.root, 'outside');
      fs.writeFileSync(outside, 'of the host');
      fs.symlinkSync(outside, path.join(folder, 'absolute'));
      fs.symlinkSync('../outside', path.join(folder, 'relative'));
      fs.symlinkSync('..', path.join(folder, 'above'));
      const sources = ['absolute', 'relative', 'above/outside', '../outside', '/../../outside', 'above/*side'];
      for (const [index, source] of sources.entries()) {
        const instruction = index % 2 === 0 ? 'COPY' : 'ADD';
        fs.writeFileSync(path.join(folder, 'Dockerfile'), `FROM scratch\n${instruction} ${source} /got`);
        const { code, said } = await by(client, folder);
        assert.notEqual(code, 0, `${instruction} ${source}`);
        assert.match(said, /not found|forbidden path|no source files/, source);
      }
      // a link inside what is copied stays a link
      fs.writeFileSync(path.join(folder, 'Dockerfile'), `FROM ${base}\nCOPY . /got/`);
      assert.equal((await by(client, folder, '-t', 'links')).code, 0);
      assert.equal(
        await sh('links', 'cd /got; for each in absolute relative above; do readlink $each; done'),
        `${outside}\n../outside\n..\n`,
      );
      if (client === 'docker') return; // it knows no mounts without BuildKit's protocol
      for (const source of ['relative', 'above/outside', '../outside']) {
        const mount = `RUN --mount=type=bind,source=${source},target=/got cat /got`;
        fs.writeFileSync(path.join(folder, 'Dockerfile'), `FROM ${base}\n${mount}`);
        const { code, said } = await by(client, folder);
        assert.notEqual(code, 0, mount);
        assert.doesNotMatch(said, /of the host/);
      }
    });
  }

  it('has lines of ten megabytes', async () => {
    const line = 'x'.repeat(long);
    const copied = await buildImage(engine, {
      Dockerfile: `FROM ${base}\n# ${line}\nCOPY <<one /one\n${line}\none\nRUN <<two\n#!/bin/sh\n# ${line}\nwc -c < /one > /two\ntwo`,
    });
    assert.equal(await sh(copied, 'cat /two'), `${long + 1}\n`);
    for (const [instruction, error] of [
      ['RUN :', /Argument list too long/],
      ['RUNN', /unknown instruction/i],
      ['LABEL a', /more than the 4194304 allowed/], // no engine would take such a configuration from a registry
    ] as const) {
      const built = await build(engine, { Dockerfile: `FROM ${base}\n${instruction} ${line}` });
      assert.notEqual(built.status, 500, instruction);
      assert.notEqual(built.error, undefined, instruction);
      assert.match(`${built.said}${built.error}`, error, instruction);
    }
    assert.equal((await build(engine, { Dockerfile: `FROM ${base}\nRUN echo works on` })).error, undefined);
  });

  for (const client of commandLines)
    it(`(${client}) shows a line of ten megabytes that a command writes`, async () => {
      const command = `: ${client}; head -c ${long} /dev/zero | tr '\\0' '\\001'; echo; echo after`;
      const folder = contextFolder(engine, `wide-${client}`, `FROM ${base}\nRUN ${command}`);
      const { code, said } = await by(client, folder, ...(client === 'tug' ? ['--progress=plain'] : []));
      assert.equal(code, 0, said.slice(-1000));
      assert.equal(said.split('\x01').length - 1, long);
      assert.match(said, /^(#\d+ [\d.]+ )?after$/m);
    });

  it('has names that are not UTF-8, which are kept', async () => {
    const folder = contextFolder(engine, 'names', `FROM ${base}\nCOPY files /files\nCOPY files/caf* /one`);
    fs.mkdirSync(path.join(folder, 'files'));
    fs.writeFileSync(Buffer.concat([Buffer.from(`${folder}/files/caf`), Buffer.from([0xe9])]), 'odd');
    for (const client of commandLines) {
      const { code, said } = await by(client, folder, '-t', 'odd');
      assert.equal(code, 0, said);
      assert.match(await sh('odd', 'echo /files/* | od -An -tx1; cat /one'), /63 61 66 e9 0a\nodd$/);
    }
  });

  it('names secrets that are not there', async () => {
    const folder = contextFolder(engine, 'secret', `FROM ${base}\nRUN --mount=type=secret,id=x,required true`);
    for (const [secret, error] of [
      ['id=x,src=/not/there', /failed to read the secret x: .*no such file/],
      ['id=x,env=NOT_THERE', /secret x: the variable NOT_THERE is not set/],
      ['id=other,env=PATH', /secret x: not found/],
      ['src=/etc/passwd', /without an id/],
      ['id=x,src=/', /failed to read the secret x: /],
      ['id=x,kind=y', /unexpected key 'kind'/],
    ] as const) {
      const { code, said } = await by('tug', folder, '--secret', secret);
      assert.notEqual(code, 0, secret);
      assert.match(said, error);
    }
  });

  it('waits for the same work of another client, and outlives that one', async () => {
    const count = '--mount=type=cache,id=count,target=/count';
    const dockerfile = `FROM ${base}\nRUN ${count} echo x >> /count/log; until test -e /count/go; do sleep 0.1; done`;
    const folder = contextFolder(engine, 'twice', dockerfile);
    const builds = [by('tug', folder), by('docker', folder), by('tug', folder)];
    const counted = await until(() => fs.globSync(path.join(engine.dataRoot, 'builder/mounts/*/log'))[0], 'the count');
    fs.writeFileSync(path.join(path.dirname(counted), 'go'), '');
    for (const each of builds) assert.equal((await each).code, 0, (await each).said);
    assert.equal(fs.readFileSync(counted, 'utf8'), 'x\n');
  });
});
