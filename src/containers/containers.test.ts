import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostConfig } from '../api/types/container.ts';
import { parseExtraHost } from './hosts-file.ts';
import { statusText } from './list.ts';
import { commandLine, mergeConfig, mergeEnvironment, processEnvironment } from './merge.ts';
import { mountPoints, resolveMounts } from './mounts.ts';
import { checkName, inventName } from './names.ts';
import { checkPorts, parsePort, requestedPorts } from './ports.ts';
import { type ContainerRecord, initialState, type RecordedState } from './record.ts';
import { refuseUnbuilt } from './refusals.ts';

describe('a container configuration', () => {
  const image = { Env: ['PATH=/bin', 'A=1'], Cmd: ['sh'], Entrypoint: ['/init'], User: 'web', Labels: { a: '1' } };

  it('is completed from the image', () => {
    const merged = mergeConfig({ Env: ['A=2', 'B=3'], Labels: { b: '2' } }, image);
    assert.deepEqual(merged.Env, ['PATH=/bin', 'A=2', 'B=3']);
    assert.deepEqual(commandLine(merged), ['/init', 'sh']);
    assert.deepEqual(merged.Labels, { a: '1', b: '2' });
    assert.equal(merged.User, 'web');
  });

  it("loses the image's command when it has an entrypoint of its own, or resets it", () => {
    assert.deepEqual(commandLine(mergeConfig({ Entrypoint: ['/bin/x'] }, image)), ['/bin/x']);
    assert.deepEqual(commandLine(mergeConfig({ Entrypoint: [''], Cmd: ['ls'] }, image)), ['ls']);
    assert.throws(() => commandLine(mergeConfig({}, {})), { kind: 'invalid', message: 'no command specified' });
  });

  it('has the environment that Docker gives', () => {
    const environment = processEnvironment({ Tty: true, Env: ['TERM=vt100', 'X=1'] }, 'box', '/root');
    assert.deepEqual(environment.slice(1), ['HOSTNAME=box', 'TERM=vt100', 'X=1', 'HOME=/root']);
    assert.match(environment[0]!, /^PATH=\/usr\/local\/sbin/);
    assert.deepEqual(mergeEnvironment(['A=1', 'B=2'], ['A']), ['B=2']);
  });
});

describe('what is not built', () => {
  it('is refused with its name, and empty fields are not', () => {
    refuseUnbuilt({ HostConfig: { RestartPolicy: { Name: 'no' }, VolumesFrom: [], Links: [], UsernsMode: '' } });
    const refused = { kind: 'unsupported', message: /networking disabled: not available in this version of tug/ };
    assert.throws(() => refuseUnbuilt({ NetworkDisabled: true }), refused);
    assert.throws(() => refuseUnbuilt({ HostConfig: { PidMode: 'nonsense' } }), { kind: 'invalid' });
  });
});

describe('names', () => {
  it('are checked, and invented when not given', () => {
    assert.equal(checkName('/web-1'), 'web-1');
    for (const bad of ['', 'a', '-x', 'a b', 'ä1', 'x'.repeat(300)])
      assert.throws(() => checkName(bad), { kind: 'invalid' });
    const seen: string[] = [];
    const name = inventName((candidate) => seen.push(candidate) <= 5);
    assert.equal(seen.length, 6);
    assert.equal(checkName(name), name);
  });
});

describe('ports', () => {
  it('are checked with their bindings', () => {
    assert.deepEqual(parsePort('53/udp'), { port: 53, protocol: 'udp' });
    assert.deepEqual(requestedPorts({ PortBindings: { '80': null, '90/tcp': [{ HostPort: '9' }] } }), {
      '80/tcp': [{}],
      '90/tcp': [{ HostPort: '9' }],
    });
    for (const bad of ['70000/tcp', '0', 'x', '80/icmp']) assert.throws(() => parsePort(bad), { kind: 'invalid' });
    assert.throws(() => checkPorts({ PortBindings: { '80/tcp': [{ HostPort: '70000' }] } }, {}), { kind: 'invalid' });
  });
});

describe('mounts', () => {
  it('come in an order in which none hides another', () => {
    const host = { Binds: ['/tmp:/a/b:ro', '/tmp:/a'], Tmpfs: { '/t': '' } };
    const points = mountPoints({ find: () => undefined }, { host });
    assert.deepEqual(
      points.map(({ Destination, RW }) => [Destination, RW]),
      [
        ['/a', true],
        ['/a/b', false],
      ],
    );
  });

  it('are refused when doubled, missing or of another system', () => {
    const resolve = (host: HostConfig) => resolveMounts({ host, declared: {}, mountsOf: () => [] });
    assert.throws(() => resolve({ Binds: ['/tmp:/a', '/usr:/a'] }), { message: 'Duplicate mount point: /a' });
    assert.throws(() => resolve({ Mounts: [{ Type: 'bind', Source: '/no/such', Target: '/a' }] }), {
      kind: 'invalid',
      message: /bind source path does not exist: \/no\/such/,
    });
    assert.throws(() => resolve({ Mounts: [{ Type: 'npipe', Source: 'x', Target: '/a' }] }), { kind: 'unsupported' });
  });
});

describe('extra hosts', () => {
  it('take both separators and the gateway', () => {
    assert.deepEqual(parseExtraHost('db:10.0.0.1', { endpoints: {} }), ['10.0.0.1', 'db']);
    assert.deepEqual(parseExtraHost('db=[::1]', { endpoints: {} }), ['::1', 'db']);
    assert.throws(() => parseExtraHost('db', { endpoints: {} }), { kind: 'invalid' });
  });
});

describe('the status of a container', () => {
  const at = (state: Partial<RecordedState>): string => {
    const record = { state: { ...initialState, ...state } } as ContainerRecord;
    return statusText(record, undefined, Date.parse('2026-01-01T01:00:00Z'));
  };
  it('reads as in docker ps', () => {
    assert.equal(at({}), 'Created');
    assert.equal(at({ status: 'running', startedAt: '2026-01-01T00:55:00Z' }), 'Up 5 minutes');
    assert.equal(at({ status: 'exited', exitCode: 3, finishedAt: '2026-01-01T00:59:58Z' }), 'Exited (3) 2 seconds ago');
  });
});
