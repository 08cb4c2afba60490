import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { run, runChecked } from '../../src/base/process.ts';
import { type CommandLine, programOf } from '../helpers/command-lines.ts';
import { startEngine } from '../helpers/engine.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'tug-context-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const noHost = { DOCKER_HOST: undefined, TUG_HOST: undefined, DOCKER_CONTEXT: undefined };

async function cli(name: CommandLine, args: readonly string[], env: Record<string, string> = {}) {
  const all = { ...process.env, ...noHost, DOCKER_CONFIG: folder, ...env };
  const { code, stdout, stderr } = await run(programOf(name), ['context', ...args], { env: all, timeout: 300_000 });
  return { code, stdout, stderr };
}

const both = async (args: readonly string[], env?: Record<string, string>) =>
  [await cli('tug', args, env), await cli('docker', args, env)] as const;

const other = (name: CommandLine): CommandLine => (name === 'tug' ? 'docker' : 'tug');
const config = () => JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as { currentContext?: string };

describe('contexts', () => {
  for (const maker of ['tug', 'docker'] as const) {
    it(`made by ${maker} are the other's too, with their TLS files`, async () => {
      const [cert, key] = [path.join(folder, 'cert.in'), path.join(folder, 'key.in')];
      const subject = ['-subj', '/CN=engine', '-days', '2'];
      const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
      await runChecked('openssl', ['req', '-x509', ...newKey, '-out', cert, ...subject]);
      const docker = `host=tcp://127.0.0.1:2376,ca=${cert},cert=${cert},key=${key},skip-tls-verify=true`;
      const made = await cli(maker, ['create', 'far', '--docker', docker, '--description', 'far away']);
      assert.deepEqual(made, { code: 0, stdout: 'far\n', stderr: 'Successfully created context "far"\n' });
      const [mine, theirs] = await both(['inspect', 'far']);
      assert.deepEqual(mine, theirs);
      const [{ TLSMaterial, Storage }] = JSON.parse(mine.stdout) as [
        { TLSMaterial: object; Storage: { TLSPath: string } },
      ];
      assert.deepEqual(TLSMaterial, { docker: ['ca.pem', 'cert.pem', 'key.pem'] });
      assert.equal(statSync(path.join(Storage.TLSPath, 'docker/key.pem')).mode & 0o777, 0o600);
      const archive = path.join(folder, 'far.tar');
      assert.equal((await cli(maker, ['export', 'far', archive])).code, 0);
      assert.equal((await cli(maker, ['export', 'far', archive])).stderr, `open ${archive}: file exists\n`);
      const copy = await cli(other(maker), ['import', 'copy', archive]);
      assert.deepEqual(copy, { code: 0, stdout: 'copy\n', stderr: 'Successfully imported context "copy"\n' });
      const [list, listed] = await both(['ls', '--format', '{{.Name}}|{{.Description}}|{{.DockerEndpoint}}'], {
        DOCKER_HOST: 'tcp://10.0.0.1:1',
      });
      assert.deepEqual(
        [list.stdout.split('\n').sort(), list.stderr],
        [listed.stdout.split('\n').sort(), listed.stderr],
      );
      assert.equal((await cli(other(maker), ['update', 'copy', '--docker', 'host=tcp://127.0.0.1:9'])).code, 0);
      const [updated, same] = await both(['inspect', 'copy']);
      assert.deepEqual([updated, updated.stdout.includes('ca.pem')], [same, false]);
    });
  }

  it('are listed as by docker', async () => {
    await cli('docker', ['create', 'one', '--docker', 'host=tcp://127.0.0.1:1', '--description', 'the first']);
    for (const args of [
      ['ls'],
      ['ls', '-q'],
      ['ls', '--format', 'json'],
      ['ls', '--format', '{{.Name}} {{.Current}}'],
    ]) {
      const [mine, theirs] = await both(args, { DOCKER_HOST: 'tcp://10.0.0.1:1' });
      assert.deepEqual([args, mine], [args, theirs]);
    }
  });

  it('are chosen and removed as with docker', async () => {
    await cli('tug', ['create', 'one', '--docker', 'host=tcp://127.0.0.1:1']);
    assert.deepEqual(await cli('tug', ['use', 'one']), {
      code: 0,
      stdout: 'one\n',
      stderr: 'Current context is now "one"\n',
    });
    const shown = async () => (await both(['show'])).map(({ stdout }) => stdout);
    assert.deepEqual([config().currentContext, await shown()], ['one', ['one\n', 'one\n']]);
    const [used, usedByDocker] = await both(['use', 'one'], { DOCKER_HOST: 'tcp://10.0.0.1:1' });
    assert.deepEqual(used, usedByDocker);
    assert.deepEqual(
      (await cli('tug', ['rm', 'one'])).stderr,
      'context "one" is in use, set -f flag to force remove\n',
    );
    assert.equal((await cli('tug', ['rm', '-f', 'one'])).stdout, 'one\n');
    assert.deepEqual(await shown(), ['default\n', 'default\n']);
    await cli('tug', ['create', 'near']);
    await cli('tug', ['create', 'copy', '--from', 'near']);
    assert.equal((await cli('docker', ['use', 'copy'])).code, 0);
    assert.equal((await cli('tug', ['use', 'default'])).code, 0);
    assert.equal(config().currentContext, undefined);
  });

  it('are refused in the words of docker', async () => {
    await cli('tug', ['create', 'one', '--docker', 'host=tcp://127.0.0.1:1']);
    for (const args of [
      ['create', 'one'],
      ['create', 'a b'],
      ['create', 'default'],
      ['create', 'bad', '--docker', 'foo=1'],
      ['create', 'bad', '--docker', 'host=tcp://x,ca=/nosuch'],
      ['create', 'bad', '--docker', 'host=tcp://x,ca=/etc/hostname'],
      ['create', 'bad', '--from', 'nosuch'],
      ['use', 'nosuch'],
      ['rm', 'nosuch'],
      ['rm', 'default'],
      ['update', 'nosuch'],
      ['export', 'nosuch', '-'],
    ]) {
      const [mine, theirs] = await both(args);
      assert.deepEqual([args, mine], [args, theirs]);
    }
    writeFileSync(path.join(folder, 'junk'), 'x'.repeat(2000));
    assert.equal((await cli('tug', ['import', 'junk', path.join(folder, 'junk')])).code, 1);
    writeFileSync(path.join(folder, 'zip'), 'PK\x03\x04');
    assert.match((await cli('tug', ['import', 'junk', path.join(folder, 'zip')])).stderr, /zip file cannot be read/);
  });

  it('lead to the engine they name', async () => {
    await using engine = await startEngine();
    await cli('tug', ['create', 'here', '--docker', `host=unix://${engine.socket}`]);
    await cli('tug', ['use', 'here']);
    const env = { ...process.env, ...noHost, DOCKER_CONFIG: folder };
    for (const name of ['tug', 'docker'] as const) {
      const { stdout, stderr } = await run(programOf(name), ['info', '-f', '{{.DockerRootDir}}'], { env });
      assert.deepEqual([stdout, stderr], [`${engine.dataRoot}\n`, '']);
    }
  });
});
