import assert from 'node:assert/strict';
import { it } from 'node:test';
import { run, runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { patience, sayer } from './say.ts';

// Runs in the guest: a firewall of the host's that drops what it does not know, forwarded packets too.

const inOutside = (...words: string[]) => run('ip', ['netns', 'exec', 'outside', ...words], { timeout: patience });

it('beside ufw, published ports are reached and containers reach the world', { timeout: 2 * patience }, async () => {
  await runChecked('ip', ['netns', 'add', 'outside']);
  await runChecked('ip', ['link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'outside']);
  await runChecked('ip', ['address', 'add', '198.51.100.1/24', 'dev', 'up0']);
  await runChecked('ip', ['link', 'set', 'up0', 'up']);
  await runChecked('ip', ['-n', 'outside', 'address', 'add', '198.51.100.2/24', 'dev', 'eth0']);
  await runChecked('ip', ['-n', 'outside', 'link', 'set', 'eth0', 'up']);
  await runChecked('ufw', ['--force', 'enable'], { timeout: patience });
  const once = (port: number) => `busybox wget -T 5 -q -O - http://198.51.100.1:${port}/`;
  /** What is served to a machine outside, once it is. */
  const get = async (port: number): Promise<string> =>
    (await inOutside('sh', '-c', `for n in $(seq 60); do ${once(port)} && exit; sleep 1; done`)).stdout;
  const serve = ['busybox', 'sh', '-c', 'echo hello > /index.html; exec httpd -f -p 80'];
  {
    await using engine = await startEngine({ timeout: patience });
    await starterImage(engine);
    const say = sayer(engine);
    await say('network', 'create', 'own');
    await say('run', '-d', '--name', 'web', '-p', '8080:80', ...serve);
    await say('run', '-d', '--name', 'other', '--network', 'own', '-p', '8081:80', ...serve);
    for (const port of [8080, 8081]) assert.equal(await get(port), 'hello\n', `port ${port}`);
    for (const network of ['bridge', 'own'])
      assert.match(
        await say('run', '--rm', '--network', network, 'busybox', 'ping', '-c1', '-w60', '198.51.100.2'),
        /1 packets received/,
      );
    assert.match(await runChecked('nft', ['list', 'chain', 'ip', 'filter', 'FORWARD']), /comment "tug-/);
    // ufw writes its chains anew when it is reloaded; the next container finds that out
    await runChecked('ufw', ['reload'], { timeout: patience });
    assert.match(await say('run', '--rm', 'busybox', 'ping', '-c1', '-w60', '198.51.100.2'), /1 packets received/);
    assert.equal(await get(8080), 'hello\n', 'after a reload');
  }
  assert.doesNotMatch(await runChecked('nft', ['list', 'ruleset']), /comment "tug-/);
  {
    await using engine = await startEngine({ timeout: patience, args: ['--publish-mode', 'proxy'] });
    await starterImage(engine);
    await sayer(engine)('run', '-d', '--name', 'web', '-p', '8080:80', ...serve);
    const here = 'until busybox wget -q -O - http://127.0.0.1:8080/; do sleep 1; done';
    await runChecked('sh', ['-c', here], { timeout: patience });
    assert.notEqual((await inOutside('sh', '-c', once(8080))).code, 0, 'ufw keeps the port closed');
    await runChecked('ufw', ['allow', '8080/tcp'], { timeout: patience });
    assert.equal(await get(8080), 'hello\n', 'ufw lets the port in');
  }
  await runChecked('ufw', ['disable'], { timeout: patience });
});
