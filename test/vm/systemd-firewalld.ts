import assert from 'node:assert/strict';
import { it } from 'node:test';
import { run, runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { answered, at, get, makeOutside, outside, pingOutside, serve, uplink } from './outside.ts';
import { patience, sayer } from './say.ts';

// Runs in the guest whose init is systemd: firewalld, whose own chain rejects what no zone lets pass.

const tool = (program: string, ...args: string[]): Promise<string> => runChecked(program, args, { timeout: patience });

/** In a slow guest the bus gives up waiting for firewalld, which goes on; it answers the next question when it is done. */
async function firewall(...args: string[]): Promise<void> {
  for (let asked = args; ; asked = ['--state']) {
    const { code, stderr } = await run('firewall-cmd', asked, { timeout: patience });
    if (code === 0) return;
    assert.match(stderr, /Did not receive a reply|Timeout was reached/, asked.join(' '));
    console.log(`firewalld takes its time over ${args.join(' ')}`);
  }
}
const forward = (): Promise<string> => tool('nft', 'list', 'chain', 'inet', 'firewalld', 'filter_FORWARD');

it('beside firewalld, published ports are reached and containers reach the world', {
  timeout: 5 * patience,
}, async () => {
  await makeOutside();
  await tool('systemctl', 'start', 'firewalld');
  // a zone that lets nothing in, nor through
  await firewall('--permanent', '--zone=drop', `--add-interface=${uplink}`);
  await firewall('--reload');
  {
    await using engine = await startEngine({ timeout: patience });
    await starterImage(engine);
    const say = sayer(engine);
    const bridge = `br-${(await say('network', 'create', 'own')).slice(0, 12)}`;
    await say('run', '-d', '--name', 'web', '-p', '8080:80', ...serve);
    await say('run', '-d', '--name', 'other', '--network', 'own', '-p', '8081:80', ...serve);
    for (const port of [8080, 8081]) assert.equal(await get(outside, at(port)), 'hello\n', `port ${port}`);
    for (const name of ['web', 'other']) assert.match(await say('exec', name, ...pingOutside), answered);
    assert.match(await forward(), /comment "tug-/);
    assert.match((await engine.tug(['doctor'])).stdout, /inet firewalld filter_FORWARD: 4 accepts/);

    // firewalld makes its table anew: what is published is reached all the same, and ways out open again by themselves
    const said = engine.log().length;
    await firewall('--reload');
    assert.equal(await get(outside, at(8080)), 'hello\n', 'after a reload');
    for (const name of ['web', 'other']) assert.match(await say('exec', name, ...pingOutside), answered);
    assert.match(engine.log().slice(said), /rules were changed from outside/);
    assert.match(await say('run', '--rm', 'busybox', ...pingOutside), answered);
    assert.match((await engine.tug(['doctor'])).stdout, /inet firewalld filter_FORWARD: 4 accepts/);

    assert.ok((await forward()).includes(bridge));
    await say('rm', '-f', 'other');
    await say('network', 'rm', 'own');
    assert.equal((await forward()).includes(bridge), false, 'accepts go with their network');
  }
  {
    await using engine = await startEngine({ timeout: patience, args: ['--publish-mode', 'proxy'] });
    await starterImage(engine);
    await sayer(engine)('run', '-d', '--name', 'web', '-p', '8080:80', ...serve);
    assert.equal(await get([], 'http://127.0.0.1:8080/'), 'hello\n', 'it is served');
    assert.equal(await get(outside, at(8080), 1), '', 'the zone keeps the port closed');
    await firewall('--zone=drop', '--add-port=8080/tcp');
    assert.equal(await get(outside, at(8080)), 'hello\n', 'the zone lets the port in');
  }
});
