import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ResolverSettings } from '../../formats/resolv-conf.ts';
import {
  checkResolver,
  containerResolvConf,
  containerUpstream,
  type HostResolver,
  reachableServers,
} from './resolver.ts';

const nothing = { servers: [], search: [], options: [] };
const host = (resolvConf: string | undefined, resolved?: string) => ({ resolvConf, resolved });
const usual = host('nameserver 192.0.2.1\nsearch corp.example\noptions edns0\n');

describe("a container's resolv.conf", () => {
  it('names the name server inside, and says where other names are looked for', () => {
    assert.equal(
      containerResolvConf(
        'own-server',
        nothing,
        host('nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch corp.example\noptions edns0\n'),
      ),
      `nameserver 127.0.0.11
search corp.example
options edns0 ndots:0

# Based on host file: '/etc/resolv.conf' (internal resolver)
# ExtServers: [host(127.0.0.53) 192.0.2.1]
# Overrides: []
# Option ndots from: internal
`,
    );
    assert.equal(
      containerResolvConf('own-server', { servers: ['127.0.0.1'], search: ['.'], options: ['ndots:2'] }, usual),
      `nameserver 127.0.0.11
options ndots:2

# Based on host file: '/etc/resolv.conf' (internal resolver)
# ExtServers: [127.0.0.1]
# Overrides: [nameservers search options]
# Option ndots from: override
`,
    );
    assert.match(
      containerResolvConf('own-server', nothing, host('options ndots:1\n')),
      /^options ndots:1\n[\s\S]*ndots from: host\n$/m,
    );
  });

  it('names servers that it reaches where there is no name server inside', () => {
    assert.equal(
      containerResolvConf('own-namespace', nothing, host('nameserver 127.0.0.1\nnameserver 192.0.2.1\nsearch x\n')),
      'nameserver 192.0.2.1\nsearch x\n',
    );
    assert.equal(
      containerResolvConf('own-namespace', { ...nothing, servers: ['192.0.2.7'] }, usual),
      'nameserver 192.0.2.7\nsearch corp.example\noptions edns0\n',
    );
    assert.deepEqual(reachableServers(host('nameserver 127.0.0.53\n', 'nameserver 192.0.2.7\n')), ['192.0.2.7']);
    assert.deepEqual(reachableServers(host('search x\n')), ['8.8.8.8', '8.8.4.4']);
    assert.deepEqual(reachableServers(host(undefined)), []);
  });

  it("is the host's in the host's namespace", () => {
    assert.equal(
      containerResolvConf('host-namespace', nothing, host('nameserver 127.0.0.53\n')),
      'nameserver 127.0.0.53\n',
    );
  });
});

const upstream = (settings: ResolverSettings, from: HostResolver) =>
  containerUpstream({ settings, outside: true }, from);

describe('where a name server passes questions on to', () => {
  it("are the host's servers, from where they are reached, or those it was told of", () => {
    const servers = upstream(
      nothing,
      host('nameserver 127.0.0.53\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver example\n'),
    ).servers;
    assert.deepEqual(servers, [
      { address: '127.0.0.53', port: 53, from: 'host' },
      { address: '192.0.2.1', port: 53, from: 'container' },
      { address: 'fe80::1%eth0', port: 53, from: 'host' },
    ]);
    const told = upstream({ ...nothing, servers: ['127.0.0.1'] }, usual).servers;
    assert.deepEqual(told, [{ address: '127.0.0.1', port: 53, from: 'container' }]);
  });

  it('is nowhere without a way out', () => {
    assert.deepEqual(containerUpstream({ settings: nothing, outside: false }, usual).servers, []);
  });

  it('keeps names without a dot where the resolver tries search domains first', () => {
    assert.equal(upstream(nothing, usual).dottedOnly, false);
    assert.equal(upstream({ ...nothing, options: ['ndots:1'] }, usual).dottedOnly, true);
    assert.equal(upstream({ ...nothing, options: ['ndots:0'] }, usual).dottedOnly, false);
  });

  it('is never the name server itself', () => {
    checkResolver({ ...nothing, servers: ['127.0.0.1'] });
    assert.throws(() => checkResolver({ ...nothing, servers: ['127.0.0.11'] }), {
      kind: 'invalid',
      message: /ask itself/,
    });
  });
});
