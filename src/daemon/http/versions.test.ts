import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RouteName } from '../../api/routes.ts';
import { parseQuery } from './query.ts';
import { adaptReply, adaptRequest } from './version-adapters.ts';
import { isBelow, parseVersion } from './versions.ts';

type Json = Record<string, unknown>;
const reply = (route: RouteName, version: string, body: unknown) =>
  adaptReply({ route, version: parseVersion(version), query: parseQuery('') }, body) as Json;
const request = (version: string, body: unknown, route: RouteName = 'ContainerCreate') =>
  adaptRequest(route, parseVersion(version), body) as { HostConfig: Json } & Json;

describe('API versions', () => {
  it('compare by their numbers', () => {
    assert.equal(isBelow(parseVersion('1.24'), '1.40'), true);
    assert.equal(isBelow(parseVersion('1.42'), '1.42'), false);
    for (const bad of ['1', '1.', '1.2.3', '1.23', '1.56', '2.0', '0.9', '1.1e1']) {
      assert.throws(() => parseVersion(bad), { kind: 'invalid' }, bad);
    }
  });
});

describe('answers to older versions', () => {
  const image = { Id: 'sha256:a', Size: 5, RepoTags: [], RepoDigests: [], Containers: 2 };

  it('give images their virtual size until 1.43, and untagged ones a name until 1.42', () => {
    const [listed] = reply('ImageList', '1.42', [image]) as unknown as Json[];
    assert.equal(listed?.['VirtualSize'], 5);
    assert.deepEqual(listed?.['RepoTags'], ['<none>:<none>']);
    assert.equal(listed?.['Containers'], -1);
    assert.deepEqual((reply('ImageList', '1.43', [image]) as unknown as Json[])[0]?.['RepoTags'], []);
    assert.equal('VirtualSize' in reply('ImageInspect', '1.44', image), false);
    assert.deepEqual(image, { Id: 'sha256:a', Size: 5, RepoTags: [], RepoDigests: [], Containers: 2 });
  });

  it('give an image the empty fields of a container until 1.49, and its own empty ones until 1.51', () => {
    const inspected = { Id: 'sha256:a', Size: 5, Config: { Cmd: ['sh'] } };
    const config = (version: string) => reply('ImageInspect', version, inspected)['Config'] as Json;
    assert.deepEqual([config('1.49')['Tty'], config('1.49')['Cmd']], [false, ['sh']]);
    assert.deepEqual(['Tty' in config('1.50'), config('1.50')['Entrypoint']], [false, null]);
    assert.deepEqual(config('1.52'), { Cmd: ['sh'] });
    assert.ok('ContainerConfig' in reply('ImageInspect', '1.44', inspected));
    assert.equal('DockerVersion' in reply('ImageInspect', '1.52', inspected), false);
  });

  const container = {
    Id: '0123456789abcdef',
    Config: { Image: 'x' },
    HostConfig: {},
    NetworkSettings: {
      Ports: {},
      Networks: {
        bridge: { IPAddress: '172.17.0.2', IPPrefixLen: 16, Gateway: '172.17.0.1', MacAddress: '02:00', Aliases: null },
        own: { IPAddress: '10.0.0.2', Aliases: ['db'] },
      },
    },
  };

  it('repeat the bridge endpoint at the top of NetworkSettings until 1.51', () => {
    const settings = reply('ContainerInspect', '1.51', container)['NetworkSettings'] as Json;
    assert.equal(settings['IPAddress'], '172.17.0.2');
    assert.equal(settings['IPPrefixLen'], 16);
    assert.equal(settings['GlobalIPv6PrefixLen'], 0);
    assert.equal(settings['HairpinMode'], false);
    assert.equal('IPAddress' in (reply('ContainerInspect', '1.52', container)['NetworkSettings'] as Json), false);
  });

  it('count the short id among the aliases on networks of the user until 1.44', () => {
    const networks = (version: string) =>
      (reply('ContainerInspect', version, container)['NetworkSettings'] as { Networks: Record<string, Json> }).Networks;
    assert.deepEqual(networks('1.44')['own']?.['Aliases'], ['db', '0123456789ab']);
    assert.equal(networks('1.44')['bridge']?.['Aliases'], null);
    assert.deepEqual(networks('1.45')['own']?.['Aliases'], ['db']);
  });

  it('say a container-wide MAC address until 1.43, kernel memory until 1.41', () => {
    assert.equal((reply('ContainerInspect', '1.43', container)['Config'] as Json)['MacAddress'], '02:00');
    assert.equal((reply('ContainerInspect', '1.41', container)['HostConfig'] as Json)['KernelMemory'], 0);
    assert.deepEqual(reply('ContainerInspect', '1.52', container), container);
  });

  it('carry status, id and from in events of containers and images until 1.51', () => {
    const event = { Type: 'container', Action: 'die', Actor: { ID: 'c', Attributes: { image: 'i' } } };
    const old = reply('SystemEvents', '1.51', event);
    assert.deepEqual([old['status'], old['id'], old['from']], ['die', 'c', 'i']);
    assert.deepEqual(reply('SystemEvents', '1.52', event), event);
    assert.equal('status' in reply('SystemEvents', '1.41', { ...event, Type: 'network' }), false);
  });

  it('keep the fields that /info has lost', () => {
    const info = reply('SystemInfo', '1.48', { RegistryConfig: {}, RuncCommit: { ID: 'x' } });
    assert.deepEqual(info['RuncCommit'], { Expected: 'x', ID: 'x' });
    assert.equal(info['BridgeNfIptables'], false);
    assert.equal((info['RegistryConfig'] as Json)['AllowNondistributableArtifactsCIDRs'], null);
    assert.equal('BridgeNfIptables' in reply('SystemInfo', '1.50', {}), false);
  });
});

describe('requests of older versions', () => {
  it('lose what their version did not know', () => {
    const body = {
      HostConfig: {
        Annotations: { a: 'b' },
        ConsoleSize: [1, 2],
        CgroupnsMode: 'private',
        Mounts: [{ BindOptions: { ReadOnlyForceRecursive: true, NonRecursive: true } }],
      },
      Healthcheck: { Test: ['NONE'], StartInterval: 1 },
      NetworkingConfig: { EndpointsConfig: { own: { GwPriority: 3, Aliases: ['a'] } } },
    };
    const old = request('1.40', body);
    assert.deepEqual(Object.keys(old.HostConfig), ['Mounts']);
    assert.deepEqual(old.HostConfig['Mounts'], [{ BindOptions: { NonRecursive: true } }]);
    assert.deepEqual(old['Healthcheck'], { Test: ['NONE'] });
    assert.deepEqual(old['NetworkingConfig'], { EndpointsConfig: { own: { Aliases: ['a'] } } });
    assert.deepEqual(request('1.55', body), body);
  });

  it('share IPC and leave removing to the client where that was the rule', () => {
    assert.equal(request('1.39', {}).HostConfig['IpcMode'], 'shareable');
    assert.equal(request('1.39', { HostConfig: { IpcMode: 'host' } }).HostConfig['IpcMode'], 'host');
    assert.equal('AutoRemove' in request('1.24', { HostConfig: { AutoRemove: true } }).HostConfig, false);
    assert.deepEqual(request('1.34', { WorkingDir: '/x', Cmd: ['a'] }, 'ContainerExec'), { Cmd: ['a'] });
  });
});
