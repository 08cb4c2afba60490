import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { begin, commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine({
    args: ['--log-driver', 'json-file', '--log-opt', 'max-size=100k', '--log-opt', 'max-file=3'],
  });
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const inspect = async (name: string, format: string) =>
  (await engine.docker(['inspect', '-f', format, name])).stdout.trim();
const json = (file: string) =>
  fs
    .readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { log: string; stream: string; time: string; attrs?: object });

describe('the engine', () => {
  it('tells its log driver and those it has', async () => {
    const { stdout } = await engine.docker(['info', '-f', '{{.LoggingDriver}} {{.Plugins.Log}}']);
    assert.equal(stdout, 'json-file [journald json-file local syslog]\n');
  });

  it('gives its log options to containers of its own driver, and to no others', async () => {
    await engine.tug(['create', '--name', 'own', '--log-opt', 'max-file=2', 'busybox']);
    await engine.tug(['create', '--name', 'other', '--log-driver', 'local', 'busybox']);
    const format = '{{json .HostConfig.LogConfig}}';
    const own = { Type: 'json-file', Config: { 'max-size': '100k', 'max-file': '2' } };
    assert.deepEqual(JSON.parse(await inspect('own', format)), own);
    assert.deepEqual(JSON.parse(await inspect('other', format)), { Type: 'local', Config: {} });
  });

  it('refuses drivers and options that do not exist', async () => {
    for (const [args, message] of [
      [['--log-driver', 'fluentd'], /logger: no log driver named 'fluentd' is registered/],
      [['--log-opt', 'nope=1'], /unknown log opt 'nope' for json-file log driver/],
      [['--log-opt', 'max-file=0'], /max-file cannot be less than 1/],
      [['--log-driver', 'syslog', '--log-opt', 'syslog-format=x'], /Invalid syslog format/],
    ] as const) {
      const refused = await engine.docker(['create', ...args, 'busybox']);
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, message);
    }
    const { code, stderr } = await engine.tug(['run', '--log-driver', 'journald', 'busybox', 'true']);
    if (!fs.existsSync('/run/systemd/journal/socket')) assert.match(stderr, /journald is not enabled on this host/);
    assert.notEqual(code, 0);
  });
});

for (const cli of commandLines) {
  describe(`json-file, with ${cli}`, () => {
    it("is Docker's format at LogPath, with what the options choose", async () => {
      const options = ['--log-opt', 'labels=a', '--log-opt', 'env=E', '--log-opt', 'tag={{.Name}}'];
      const name = `form-${cli}`;
      const script = 'echo out; echo err >&2; printf end';
      await engine[cli](['run', '--name', name, '-l', 'a=1', '-e', 'E=2', ...options, 'busybox', 'sh', '-c', script]);
      const file = await inspect(name, '{{.LogPath}}');
      assert.match(file, /\/containers\/([0-9a-f]{64})\/\1-json\.log$/);
      const lines = json(file);
      assert.deepEqual(lines.map(({ log, stream }) => [stream, log]).sort(), [
        ['stderr', 'err\n'],
        ['stdout', 'end'],
        ['stdout', 'out\n'],
      ]);
      assert.deepEqual(lines[0]?.attrs, { E: '2', a: '1', tag: name });
      const { stdout, stderr } = await engine[cli](['logs', '--details', name]);
      assert.deepEqual(
        [stdout, stderr],
        [`E=2,a=1,tag=${name} out\nE=2,a=1,tag=${name} end`, `E=2,a=1,tag=${name} err\n`],
      );
    });
  });
}

describe('json-file', () => {
  it('loses no line and writes none twice when the engine is killed while it copies', async () => {
    const options = ['--log-opt', 'max-size=100m'];
    const script = 'i=0; while [ ! -e /stop ]; do i=$((i+1)); echo $i; done; echo last $i';
    await engine.tug(['run', '-d', '--name', 'killed', ...options, 'busybox', 'sh', '-c', script]);
    for (let times = 0; times < 3; times += 1) {
      await engine.docker(['exec', 'killed', 'sleep', '0.2']);
      await engine.kill();
      await engine.restart();
    }
    await engine.tug(['exec', 'killed', 'touch', '/stop']);
    await engine.tug(['wait', 'killed']);
    const { stdout } = await engine.tug(['logs', 'killed']);
    const lines = stdout.trim().split('\n');
    const wrong = lines.slice(0, -1).findIndex((line, index) => line !== String(index + 1));
    assert.equal(wrong, -1, `line ${wrong + 1} is ${lines[wrong]}`);
    assert.equal(lines.at(-1), `last ${lines.length - 1}`);
    assert.ok(lines.length > 1000);
  });

  it('keeps what its limits allow, across which it is followed', async () => {
    const script =
      'echo begun; while [ ! -e /go ]; do sleep 0.02; done; i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i; done';
    await engine.tug(['run', '-d', '--name', 'turned', 'busybox', 'sh', '-c', script]);
    using follower = begin(engine, 'docker', ['logs', '-f', 'turned']);
    await follower.said('begun\n'); // it follows
    await engine.tug(['exec', 'turned', 'touch', '/go']);
    const { stdout: followed } = await follower.ended;
    assert.equal(followed.trim().split('\n').length, 5001);
    const { stdout } = await engine.tug(['logs', 'turned']);
    const kept = stdout.trim().split('\n');
    assert.ok(kept.length > 1500 && kept.length < 4500, `${kept.length} lines`);
    assert.equal(kept[0], `line ${5000 - kept.length + 1}`);
    const folder = path.dirname(await inspect('turned', '{{.LogPath}}'));
    for (const name of fs.readdirSync(folder).filter((file) => file.includes('-json.log')))
      assert.ok(fs.statSync(path.join(folder, name)).size < 110 * 1024);
  });

  it('is cleared, running or not, and followed on', async () => {
    const script = 'echo old; while [ ! -e /go ]; do sleep 0.02; done; echo new';
    for (const driver of ['json-file', 'local']) {
      const name = `cleared-${driver}`;
      await engine.tug(['run', '-d', '--name', name, '--log-driver', driver, 'busybox', 'sh', '-c', script]);
      using follower = begin(engine, 'tug', ['logs', '-f', name]);
      await follower.said('old\n');
      assert.deepEqual((await engine.tug(['logs', '--clear', name])).code, 0);
      assert.equal((await engine.docker(['logs', name])).stdout, '');
      await engine.tug(['exec', name, 'touch', '/go']);
      assert.equal((await follower.ended).stdout, 'old\nnew\n');
      assert.equal((await engine.docker(['logs', name])).stdout, 'new\n');
      await engine.tug(['logs', '--clear', name]);
      assert.equal((await engine.docker(['logs', name])).stdout, '');
    }
    const both = await engine.tug(['logs', '--clear', '-f', 'cleared-local']);
    assert.match(both.stderr, /conflicting options: --clear and --follow/);
  });
});

describe('syslog', () => {
  it('gets every line, and logs shows them too, unless the cache is disabled', async () => {
    await using server = createSocket('udp4');
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    const got: string[] = [];
    server.on('message', (message) => got.push(message.toString()));
    const address = `syslog-address=udp://127.0.0.1:${server.address().port}`;
    const args = ['--log-driver', 'syslog', '--log-opt', address, '--log-opt', 'tag={{.Name}}/{{.ID}}'];
    await engine.docker(['run', '--name', 'sys', ...args, 'busybox', 'sh', '-c', 'echo one; echo two']);
    assert.equal((await engine.docker(['logs', 'sys'])).stdout, 'one\ntwo\n');
    while (got.length < 2) await once(server, 'message');
    assert.match(got[0] ?? '', /^<30>\w{3} [ \d]\d [\d:]{8} sys\/[0-9a-f]{12}\[\d+\]: one\n$/);
    const off = ['--log-opt', 'cache-disabled=true'];
    await engine.docker(['run', '--name', 'uncached', ...args, ...off, 'busybox', 'echo', 'three']);
    const { stderr } = await engine.docker(['logs', 'uncached']);
    assert.match(stderr, /configured logging driver does not support reading/);
  });
});
