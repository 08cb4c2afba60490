import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { listening } from '../helpers/answering.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

async function say(cli: (typeof commandLines)[number], ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await engine[cli](args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

for (const cli of commandLines) {
  describe(`links of ${cli} run on the default bridge`, () => {
    before(() =>
      say(
        cli,
        'run',
        '-d',
        '--name',
        'linked-db',
        '--expose',
        '81',
        '--expose',
        '80',
        '-e',
        'KEY=v',
        'busybox',
        'sleep',
        '600',
      ),
    );
    after(() => engine.tug(['rm', '-f', 'linked-db', 'linked-app']));

    it('names the other in /etc/hosts and in the environment', async () => {
      const script = 'grep database /etc/hosts; env | grep ^DATABASE_ | sort';
      const said = await say(
        cli,
        'run',
        '--name',
        'linked-app',
        '--link',
        'linked-db:database',
        'busybox',
        'sh',
        '-c',
        script,
      );
      const format = '{{.Config.Hostname}} {{.NetworkSettings.Networks.bridge.IPAddress}}';
      const [hostname, ip] = (await say('tug', 'inspect', '-f', format, 'linked-db')).split(' ');
      assert.deepEqual(said.split('\n'), [
        `${ip}\tdatabase ${hostname} linked-db`,
        'DATABASE_ENV_KEY=v',
        'DATABASE_NAME=/linked-app/database',
        `DATABASE_PORT=tcp://${ip}:80`,
        `DATABASE_PORT_80_TCP=tcp://${ip}:80`,
        `DATABASE_PORT_80_TCP_ADDR=${ip}`,
        `DATABASE_PORT_80_TCP_END=tcp://${ip}:81`,
        'DATABASE_PORT_80_TCP_PORT=80',
        'DATABASE_PORT_80_TCP_PORT_END=81',
        'DATABASE_PORT_80_TCP_PORT_START=80',
        'DATABASE_PORT_80_TCP_PROTO=tcp',
        `DATABASE_PORT_80_TCP_START=tcp://${ip}:80`,
        `DATABASE_PORT_81_TCP=tcp://${ip}:81`,
        `DATABASE_PORT_81_TCP_ADDR=${ip}`,
        'DATABASE_PORT_81_TCP_PORT=81',
        'DATABASE_PORT_81_TCP_PROTO=tcp',
      ]);
      const links = '{{json .HostConfig.Links}}';
      assert.equal(await say(cli, 'inspect', '-f', links, 'linked-app'), '["/linked-db:/linked-app/database"]');
      await say(cli, 'rm', '--link', 'linked-app/database');
      assert.equal(await say(cli, 'inspect', '-f', links, 'linked-app'), 'null');
      assert.match((await engine[cli](['rm', '--link', 'linked-app/database'])).stderr, /could not get link/);
      await say(cli, 'rm', 'linked-app');
    });

    it('follows the other to its new address, and needs it to run', async () => {
      const name = await say(
        cli,
        'run',
        '-d',
        '--name',
        'linked-app',
        '--link',
        'linked-db',
        'busybox',
        'sleep',
        '600',
      );
      const line = async () => (await say(cli, 'exec', name, 'grep', 'linked-db', '/etc/hosts')).split('\t')[0];
      const before = await line();
      await say(cli, 'restart', '-t', '0', 'linked-db');
      const now = await say(cli, 'inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', 'linked-db');
      assert.notEqual(now, before);
      assert.equal(await line(), now);
      await say(cli, 'stop', '-t', '0', 'linked-app', 'linked-db');
      const refused = await engine[cli](['start', 'linked-app']);
      assert.match(refused.stderr, /Cannot link to a non running container: \/linked-db AS \/linked-app\/linked-db/);
      const unknown = await engine[cli](['run', '--link', 'nosuch', 'busybox']);
      assert.deepEqual([unknown.code, /could not get container for nosuch/i.test(unknown.stderr)], [125, true]);
    });
  });
}

describe('links where containers of the default bridge do not talk', () => {
  it('open what the other exposes, as long as they are there', async () => {
    await using apart = await startEngine({ args: ['--icc=false'] });
    await starterImage(apart);
    const web = ['run', '-d', '--expose', '80', '--name', 'web', 'busybox', 'httpd', '-f', '-h', '/etc'];
    assert.equal((await apart.docker(web)).code, 0);
    await listening(apart, 'web');
    const ip = await apart.docker(['inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', 'web']);
    for (const cli of commandLines) {
      const run = (flags: string[], seconds: string) => {
        const script = `printf 'GET /hostname HTTP/1.0\\r\\n\\r\\n' | nc -w ${seconds} ${ip.stdout.trim()} 80`;
        return apart[cli](['run', '--rm', ...flags, 'busybox', 'sh', '-c', script]);
      };
      const linked = await run(['--link', 'web:site'], '60');
      assert.match(linked.stdout, /200 OK/, linked.stderr);
      assert.notEqual((await run([], '1')).code, 0);
    }
  });

  it('open it no longer once they are taken back, while the container runs on', async () => {
    await using apart = await startEngine({ args: ['--icc=false'] });
    await starterImage(apart);
    const start = (flags: string[], ...command: string[]) =>
      apart.docker(['run', '-d', '--expose', '80', ...flags, 'busybox', ...command]);
    assert.equal((await start(['--name', 'web'], 'httpd', '-f', '-h', '/etc')).code, 0);
    await listening(apart, 'web');
    const { stdout: ip } = await apart.docker([
      'inspect',
      '-f',
      '{{.NetworkSettings.Networks.bridge.IPAddress}}',
      'web',
    ]);
    for (const cli of commandLines) {
      const app = await start(['--link', 'web:site', '--link', 'web:again', '--name', `app-${cli}`], 'sleep', '600');
      assert.equal(app.code, 0, app.stderr);
      const name = `app-${cli}`;
      const inside = (script: string) => apart[cli](['exec', name, 'sh', '-c', script]);
      const ask = (seconds: string) =>
        inside(`printf 'GET /hostname HTTP/1.0\\r\\n\\r\\n' | nc -w ${seconds} ${ip.trim()} 80`);
      assert.match((await ask('60')).stdout, /200 OK/);
      assert.equal((await apart[cli](['rm', '--link', `/${name}/again`])).code, 0);
      assert.match((await ask('60')).stdout, /200 OK/, 'by the other link to the same container');
      assert.equal((await inside('grep -E "site|again" /etc/hosts')).stdout.split('\n').length, 2);
      assert.equal((await apart[cli](['rm', '--link', `/${name}/site`])).code, 0);
      assert.notEqual((await ask('1')).code, 0);
      assert.equal((await inside('grep -E "site|again" /etc/hosts')).stdout, '');
      const environment = await inside("tr '\\0' '\\n' < /proc/1/environ");
      assert.match(environment.stdout, /^SITE_PORT=/m, 'the one that it was started with');
    }
  });
});
