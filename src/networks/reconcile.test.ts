import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, describe, it } from 'node:test';
import { newId } from '../base/ids.ts';
import { openJournal } from '../base/journal.ts';
import { silentLogger } from '../base/log.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { startEngine } from './private-engine.contract-suite.ts';
import {
  answerInside,
  ask,
  command,
  enterPrivateHost,
  hostState,
  joinOutside,
  portsGone,
} from './private-host.contract-suite.ts';

enterPrivateHost();
const outside = joinOutside();
after(() => deleteNetworkNamespace(outside));

/** Runs an engine in a process of its own that attaches `first` and then `second`, and kills itself at a crash point during the latter. */
async function crashingEngine(engine: {
  folder: string;
  engineId: string;
  crashAt: string;
  first: string;
  second: string;
}) {
  const { folder, engineId, crashAt, first, second } = engine;
  const suite = JSON.stringify(path.join(import.meta.dirname, 'private-engine.contract-suite.ts'));
  const program = `
    const { startEngine } = await import(${suite});
    const engine = await startEngine({ folder: ${JSON.stringify(folder)}, engineId: '${engineId}' });
    await engine.attach({ containerId: '${first}', ports: { '80/tcp': [{ HostPort: '8080' }] } });
    await engine.attach({ containerId: '${second}', ports: { '80/tcp': [{ HostPort: '8081' }] } });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, TUG_CRASH_AT: `${crashAt}:2` },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [, signal] = await once(child, 'close');
  assert.equal(signal, 'SIGKILL');
}

describe('an engine killed while it connects a container', () => {
  for (const crashAt of ['network.endpoint.journaled', 'network.endpoint.linked', 'network.endpoint.published']) {
    it(`at ${crashAt} comes back with the other one running and nothing of that one left`, async () => {
      const untouched = hostState();
      const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-networks-'));
      const [engineId, first, second] = [newId(), newId(), newId()];
      await crashingEngine({ folder, engineId, crashAt, first, second });
      {
        await using engine = await startEngine({ folder, engineId, alive: [first] });
        const sandbox = engine.networks.sandboxOf(first);
        assert.equal(engine.networks.sandboxOf(second), undefined);
        assert.equal(openJournal(engine.database).pending().length, 0);
        assert.deepEqual(readdirSync(path.join(folder, 'netns')), [first]);
        assert.equal(command('ip', '-o', 'link', 'show', 'master', 'tug0').split('\n').length, 2);
        {
          using _server = await answerInside(path.join(folder, 'netns', first), 'tcp', 80);
          assert.equal(await ask('198.51.100.1', 8080, { namespace: outside }), '198.51.100.2');
        }
        assert.equal(sandbox?.ports['80/tcp']?.[0]?.HostPort, '8080');
        const taken = createServer().listen(8080);
        const [error] = (await once(taken, 'error')) as [NodeJS.ErrnoException];
        assert.equal(error.code, 'EADDRINUSE');
        await engine.attach({ containerId: second, ports: { '80/tcp': [{ HostPort: '8081' }] } });
        await engine.networks.release(first);
        await engine.networks.release(second);
        await portsGone('tug0');
      }
      assert.equal(hostState(), untouched);
    });
  }
});

describe('a restart', () => {
  it('keeps a port for its container that a process of the host had when the next engine began', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-networks-'));
    const [engineId, first, second] = [newId(), newId(), newId()];
    await crashingEngine({ folder, engineId, crashAt: 'network.endpoint.journaled', first, second });
    const other = createServer().listen(8080, '127.0.0.1');
    await once(other, 'listening');
    await using engine = await startEngine({ folder, engineId, alive: [first], log: silentLogger });
    other.close();
    await once(other, 'close');
    for (const wish of [{ HostIp: '127.0.0.1', HostPort: '8080' }, { HostPort: '8080' }]) {
      await assert.rejects(
        engine.attach({ ports: { '80/tcp': [wish] } }),
        /8080 failed: port is already allocated \(by/,
      );
    }
    await engine.networks.release(first);
    await engine.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } });
  });

  it('removes what belongs to no container alive, and strangers in its namespace folder', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-networks-'));
    const [engineId, gone] = [newId(), newId()];
    await crashingEngine({ folder, engineId, crashAt: 'network.endpoint.published', first: gone, second: newId() });
    await using engine = await startEngine({ folder, engineId });
    assert.equal(existsSync(path.join(folder, 'netns', gone)), false);
    assert.equal(command('ip', '-o', 'link', 'show', 'master', 'tug0'), '');
    assert.doesNotMatch(command('nft', 'list', 'ruleset'), /8080|8081/);
    assert.equal(engine.networks.sandboxOf(gone), undefined);
  });

  it('keeps the subnet and the networks of before', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-networks-'));
    const [engineId, first] = [newId(), newId()];
    await crashingEngine({ folder, engineId, crashAt: 'network.endpoint.journaled', first, second: newId() });
    command('ip', 'link', 'delete', 'tug0');
    await using engine = await startEngine({ folder, engineId, alive: [first] });
    const running = engine.networks.sandboxOf(first)?.endpoints['bridge'];
    const fresh = await engine.attach();
    assert.equal(fresh.endpoints['bridge']?.NetworkID, running?.NetworkID);
    assert.equal(fresh.endpoints['bridge']?.Gateway, running?.Gateway);
    assert.notEqual(fresh.ip, running?.IPAddress);
    using _server = await answerInside(fresh.path, 'tcp', 80);
    const namespace = path.join(folder, 'netns', first);
    assert.equal(await ask(fresh.ip, 80, { namespace }), running?.IPAddress);
  });
});

describe("where another program's rules drop what is forwarded", () => {
  it('containers reach the world and are reached, and the accepts leave with the network', async () => {
    command('iptables', '-P', 'FORWARD', 'DROP');
    const untouched = hostState();
    {
      await using engine = await startEngine();
      const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } });
      {
        using _world = await answerInside(outside, 'tcp', 80);
        using _a = await answerInside(a.path, 'tcp', 80);
        assert.equal(await ask('198.51.100.2', 80, { namespace: a.path }), '198.51.100.1');
        assert.equal(await ask('198.51.100.1', 8080, { namespace: outside }), '198.51.100.2');
      }
      assert.match(command('iptables', '-S', 'FORWARD'), /-i tug0 .*--comment tug-[0-9a-f]+ -j ACCEPT/);
      await engine.networks.reconcile(new Set([a.id]));
      assert.equal(command('iptables', '-S', 'FORWARD').split('ACCEPT').length, 3);
      await engine.networks.release(a.id);
      await portsGone('tug0');
    }
    assert.equal(hostState(), untouched.replace(/0\n$/, '1\n'));
  });
});
