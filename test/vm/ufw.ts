import assert from 'node:assert/strict';
import { it } from 'node:test';
import { run, runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { patience, sayer } from './say.ts';

// Runs in the guest: a firewall of the host's that drops what it does not know, forwarded packets too.

const outside = ['ip', 'netns', 'exec', 'outside'];
/** Fetches a page; the busybox of the guest, which is linked statically, ends with a fault when it looks at a URL. */
const fetchIt = `const [, url, tries] = process.argv;
for (let left = Number(tries); left > 0; left -= 1) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  if (answer?.ok) { process.stdout.write(await answer.text()); process.exit(0); }
  await new Promise((resolve) => setTimeout(resolve, 1000));
}`;

/** What is served there to somebody, or nothing when it is not in so many tries. */
async function get(who: readonly string[], url: string, tries = 20): Promise<string> {
  const node = [process.execPath, '--input-type=module', '-e', fetchIt, url, String(tries)];
  const [file = '', ...args] = [...who, ...node];
  return (await run(file, args, { timeout: patience })).stdout;
}

const at = (port: number): string => `http://198.51.100.1:${port}/`;

it('beside ufw, published ports are reached and containers reach the world', { timeout: 2 * patience }, async () => {
  await runChecked('ip', ['netns', 'add', 'outside']);
  await runChecked('ip', ['link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'outside']);
  await runChecked('ip', ['address', 'add', '198.51.100.1/24', 'dev', 'up0']);
  await runChecked('ip', ['link', 'set', 'up0', 'up']);
  await runChecked('ip', ['-n', 'outside', 'address', 'add', '198.51.100.2/24', 'dev', 'eth0']);
  await runChecked('ip', ['-n', 'outside', 'link', 'set', 'eth0', 'up']);
  await runChecked('ufw', ['--force', 'enable'], { timeout: patience });
  const serve = ['busybox', 'sh', '-c', 'echo hello > /index.html; exec httpd -f -p 80'];
  {
    await using engine = await startEngine({ timeout: patience });
    await starterImage(engine);
    const say = sayer(engine);
    const bridge = `br-${(await say('network', 'create', 'own')).slice(0, 12)}`;
    await say('run', '-d', '--name', 'web', '-p', '8080:80', ...serve);
    await say('run', '-d', '--name', 'other', '--network', 'own', '-p', '8081:80', ...serve);
    for (const port of [8080, 8081]) assert.equal(await get(outside, at(port)), 'hello\n', `port ${port}`);
    for (const network of ['bridge', 'own'])
      assert.match(
        await say('run', '--rm', '--network', network, 'busybox', 'ping', '-c1', '-w60', '198.51.100.2'),
        /1 packets received/,
      );
    assert.match(await runChecked('nft', ['list', 'chain', 'ip', 'filter', 'FORWARD']), /comment "tug-/);
    // ufw writes its chains anew when it is reloaded; the next container finds that out
    await runChecked('ufw', ['reload'], { timeout: patience });
    assert.match(await say('run', '--rm', 'busybox', 'ping', '-c1', '-w60', '198.51.100.2'), /1 packets received/);
    assert.equal(await get(outside, at(8080)), 'hello\n', 'after a reload');
    const accepted = () => runChecked('nft', ['list', 'chain', 'ip', 'filter', 'FORWARD']);
    assert.ok((await accepted()).includes(bridge));
    await say('rm', '-f', 'other');
    await say('network', 'rm', 'own');
    assert.equal((await accepted()).includes(bridge), false, 'accepts go with their network');
  }
  {
    await using engine = await startEngine({ timeout: patience, args: ['--publish-mode', 'proxy'] });
    await starterImage(engine);
    await sayer(engine)('run', '-d', '--name', 'web', '-p', '8080:80', ...serve);
    assert.equal(await get([], 'http://127.0.0.1:8080/'), 'hello\n', 'it is served');
    assert.equal(await get(outside, at(8080), 1), '', 'ufw keeps the port closed');
    await runChecked('ufw', ['allow', '8080/tcp'], { timeout: patience });
    assert.equal(await get(outside, at(8080)), 'hello\n', 'ufw lets the port in');
  }
  await runChecked('ufw', ['disable'], { timeout: patience });
});
