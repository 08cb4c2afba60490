import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { answered, at, get, makeOutside, outside, pingOutside, serve } from './outside.ts';
import { patience, sayer } from './say.ts';

// Runs in the guest: a firewall of the host's that drops what it does not know, forwarded packets too.

it('beside ufw, published ports are reached and containers reach the world', { timeout: 5 * patience }, async () => {
  await makeOutside();
  await runChecked('ufw', ['--force', 'enable'], { timeout: patience });
  {
    await using engine = await startEngine({ timeout: patience });
    await starterImage(engine);
    const say = sayer(engine);
    const bridge = `br-${(await say('network', 'create', 'own')).slice(0, 12)}`;
    await say('run', '-d', '--name', 'web', '-p', '8080:80', ...serve);
    await say('run', '-d', '--name', 'other', '--network', 'own', '-p', '8081:80', ...serve);
    for (const port of [8080, 8081]) assert.equal(await get(outside, at(port)), 'hello\n', `port ${port}`);
    for (const network of ['bridge', 'own'])
      assert.match(await say('run', '--rm', '--network', network, 'busybox', ...pingOutside), answered);
    assert.match(await runChecked('nft', ['list', 'chain', 'ip', 'filter', 'FORWARD']), /comment "tug-/);
    // ufw writes its chains anew when it is reloaded, and the engine hears of it
    await runChecked('ufw', ['reload'], { timeout: patience });
    assert.match(await say('exec', 'other', ...pingOutside), answered);
    assert.match(await say('run', '--rm', 'busybox', ...pingOutside), answered);
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
