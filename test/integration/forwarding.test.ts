import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { deleteNetworkNamespace } from '../../src/host/namespaces.ts';
import {
  answerInside,
  command,
  enterPrivateHost,
  joinOutside,
} from '../../src/networks/private-host.contract-suite.ts';
import { type CommandLine, commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

// The engines of this file have a network namespace of their own: forwarding is one setting of a whole host.
enterPrivateHost();
const outside = joinOutside();
after(() => deleteNetworkNamespace(outside));

const forwarding = (): string => readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim();
const set = (value: 0 | 1) => command('sysctl', '-qw', `net.ipv4.ip_forward=${value}`);

/** What a container is answered on a host, the host of the engine or the one outside; nothing when it cannot be reached. */
async function asked(engine: TestEngine, cli: CommandLine, ip: string, seconds: number): Promise<string> {
  const { stdout } = await engine[cli](['run', '--rm', 'busybox', 'sh', '-c', `nc -w ${seconds} ${ip} 80 </dev/null`]);
  return stdout;
}

const [here, there] = ['198.51.100.1', '198.51.100.2'];

describe('ip-forward', () => {
  it('false leaves the setting of the host: off, containers reach the host alone, and on, what is beyond', async () => {
    set(0);
    await using engine = await startEngine({ args: ['--ip-forward=false'] });
    await starterImage(engine);
    using _world = await answerInside(outside, 'tcp', 80);
    using _host = await answerInside('/proc/thread-self/ns/net', 'tcp', 80);
    for (const cli of commandLines) {
      assert.match(await asked(engine, cli, here, 60), /^10\./);
      assert.equal(await asked(engine, cli, there, 1), '');
    }
    await engine.tug(['network', 'create', 'own']);
    await engine.tug(['doctor', '--repair']);
    assert.equal(forwarding(), '0');
    assert.equal((await engine.docker(['info', '-f', '{{.IPv4Forwarding}}'])).stdout, 'false\n');
    set(1);
    for (const cli of commandLines) assert.equal(await asked(engine, cli, there, 60), here);
    assert.equal(forwarding(), '1');
  });

  it('is turned on without it', async () => {
    set(0);
    await using engine = await startEngine();
    await starterImage(engine);
    assert.equal(forwarding(), '1');
    using _world = await answerInside(outside, 'tcp', 80);
    for (const cli of commandLines) assert.equal(await asked(engine, cli, there, 60), here);
  });
});
