import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { patience, sayer } from './say.ts';

// Runs in the guest: Debian's kernel has SCTP, and nftables' bridge family as modules.

/** Perl is the one program of the guest that can be told a protocol: number 132 is SCTP. */
const sctp = 'use Socket; socket(my $s, PF_INET, SOCK_STREAM, 132) or die "socket: $!"; $| = 1;';
const answer = `${sctp} bind($s, sockaddr_in(9000, INADDR_ANY)) or die "bind: $!"; listen($s, 5); print "listening\\n";
  while (my $peer = accept(my $c, $s)) { my (undef, $ip) = sockaddr_in($peer); send($c, inet_ntoa($ip), 0); close $c }`;
const ask = `${sctp} my ($ip, $port) = @ARGV; connect($s, sockaddr_in($port, inet_aton($ip))) or die "connect: $!";
  recv($s, my $said, 100, 0); print $said`;

it('SCTP is published, with the address of who asks', { timeout: 4 * patience }, async () => {
  await runChecked('modprobe', ['sctp']);
  await runChecked('ip', ['netns', 'add', 'far']);
  await runChecked('ip', ['link', 'add', 'far0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'far']);
  await runChecked('ip', ['address', 'add', '203.0.113.1/24', 'dev', 'far0']);
  await runChecked('ip', ['link', 'set', 'far0', 'up']);
  await runChecked('ip', ['-n', 'far', 'address', 'add', '203.0.113.2/24', 'dev', 'eth0']);
  await runChecked('ip', ['-n', 'far', 'link', 'set', 'eth0', 'up']);
  await using engine = await startEngine({ timeout: patience });
  await starterImage(engine);
  const say = sayer(engine);
  await say('run', '-d', '--name', 'served', '-p', '9001:9000/sctp', 'busybox', 'sleep', '1000');
  assert.equal(await say('port', 'served'), '9000/sctp -> 0.0.0.0:9001');
  const inside = `--net=/proc/${await say('inspect', '-f', '{{.State.Pid}}', 'served')}/ns/net`;
  const server = spawn('nsenter', [inside, 'perl', '-e', answer], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(server.stdout, 'data');
    const from = (...who: string[]) => runChecked('env', [...who, 'perl', '-e', ask, '203.0.113.1', '9001']);
    assert.equal(await from('ip', 'netns', 'exec', 'far'), '203.0.113.2');
    assert.equal(await from(), '203.0.113.1');
    const taken = await engine.tug(['run', '--rm', '-p', '9001:9000/sctp', 'busybox', 'true']);
    assert.match(taken.stderr, /port is already allocated/);
  } finally {
    server.kill();
  }
});

it('what passes within a bridge is ruled', { timeout: 4 * patience }, async () => {
  await using engine = await startEngine({ timeout: patience, args: ['--icc=false'] });
  await starterImage(engine);
  const say = sayer(engine);
  const serve = ['busybox', 'sh', '-c', 'echo hello > /index.html; exec httpd -f -p 80'];
  await say('run', '-d', '--name', 'web', '--expose', '80', ...serve);
  const ip = await say('inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', 'web');
  const get = (seconds: number) => [
    ...['busybox', 'sh', '-c'],
    `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w ${seconds} ${ip} 80`,
  ];
  assert.match(await say('run', '--rm', '--link', 'web', ...get(60)), /hello/);
  assert.notEqual((await engine.tug(['run', '--rm', ...get(3)])).code, 0);
  await say('network', 'create', 'own');
  await say('run', '-d', '--name', 'near', '--network', 'own', ...serve);
  const held = (...egress: string[]) =>
    engine.tug(['run', '--rm', '--network', 'own', '--egress', egress.join(), 'busybox', 'ping', '-c1', '-w5', 'near']);
  assert.notEqual((await held('deny=all')).code, 0);
  assert.equal((await held('allow=networks', 'deny=all')).code, 0);
});
