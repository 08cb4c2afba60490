import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { CreateRequest, HostConfig } from '../../../api/types/container.ts';
import { parseFlags } from '../../flags.ts';
import { createFlags } from './create-flags.ts';
import { planContainer } from './create-request.ts';

const env = { HOME: '/home/me' };

function request(line: string): CreateRequest {
  const { flags, args } = parseFlags(createFlags, [...line.split(' ').filter(Boolean), 'image', 'cmd'], true);
  return planContainer(flags, args, env, { detached: false, consoleSize: [24, 80] }).request;
}
const host = (line: string): HostConfig => request(line).HostConfig ?? {};
const failing = (line: string, message: string | RegExp) =>
  assert.throws(() => request(line), typeof message === 'string' ? { message } : message);

describe('a create request', () => {
  it('says little when little is asked', () => {
    assert.deepEqual(request(''), {
      Image: 'image',
      Cmd: ['cmd'],
      ...{ AttachStdin: false, AttachStdout: true, AttachStderr: true },
      ...{ Tty: false, OpenStdin: false, StdinOnce: false },
      ExposedPorts: {},
      HostConfig: { NetworkMode: 'default' },
    });
  });

  it('opens stdin once for the attached client, and tells a terminal its size', () => {
    const { AttachStdin, OpenStdin, StdinOnce, Tty, HostConfig } = request('-it');
    assert.deepEqual([AttachStdin, OpenStdin, StdinOnce, Tty], [true, true, true, true]);
    assert.deepEqual(HostConfig?.ConsoleSize, [24, 80]);
    const only = request('-a stdout -i');
    assert.deepEqual(
      [only.AttachStdin, only.AttachStdout, only.AttachStderr, only.StdinOnce],
      [false, true, false, false],
    );
  });

  it('takes environment and labels from files first, then from options', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tug-env-'));
    try {
      const file = path.join(folder, 'env');
      await writeFile(file, '# comment\nA=1\nHOME\nABSENT\n');
      const { Env, Labels } = request(`-e A=2 -e HOME -e UNSET --env-file ${file} -l a=b -l c --label-file ${file}`);
      assert.deepEqual(Env, ['A=1', 'HOME=/home/me', 'A=2', 'HOME=/home/me', 'UNSET']);
      assert.deepEqual(Labels, { A: '1', HOME: '', ABSENT: '', a: 'b', c: '' });
    } finally {
      await rm(folder, { recursive: true });
    }
    failing('--env-file /nonexistent', 'open /nonexistent: no such file or directory');
  });

  it('maps ports, volumes and mounts', () => {
    const { ExposedPorts, Volumes, HostConfig } = request(
      '-p 8080:80 -p 127.0.0.1:53:53/udp --expose 90 -v /a:/b:ro -v vol:/c -v /anonymous --tmpfs /t:size=1m --mount type=bind,src=/x,dst=/y,ro',
    );
    assert.deepEqual(Object.keys(ExposedPorts ?? {}), ['80/tcp', '53/udp', '90/tcp']);
    assert.deepEqual(HostConfig?.PortBindings, {
      '80/tcp': [{ HostIp: '', HostPort: '8080' }],
      '53/udp': [{ HostIp: '127.0.0.1', HostPort: '53' }],
    });
    assert.deepEqual([HostConfig?.Binds, Volumes], [['/a:/b:ro', 'vol:/c'], { '/anonymous': {} }]);
    assert.deepEqual(HostConfig?.Tmpfs, { '/t': 'size=1m' });
    assert.deepEqual(HostConfig?.Mounts, [{ Type: 'bind', Source: '/x', Target: '/y', ReadOnly: true }]);
    assert.deepEqual(host('-v ./rel:/c').Binds, [`${process.cwd()}/rel:/c`]);
  });

  it('maps networks: the first is the mode, details are endpoints', () => {
    assert.equal(host('--net host').NetworkMode, 'host');
    assert.equal(request('--network one').NetworkingConfig, undefined);
    const { HostConfig, NetworkingConfig } = request(
      '--network one --network-alias a --ip 1.2.3.4 --network name=two,alias=b',
    );
    assert.equal(HostConfig?.NetworkMode, 'one');
    assert.deepEqual(NetworkingConfig?.EndpointsConfig, {
      one: { Aliases: ['a'], IPAMConfig: { IPv4Address: '1.2.3.4' } },
      two: { Aliases: ['b'] },
    });
    failing('--network name=one,ip=1.1.1.1 --ip 2.2.2.2', /cannot specify both --ip and per-network ip/);
  });

  it('maps limits', () => {
    assert.deepEqual(
      host('-m 512m --memory-swap -1 --cpus 1.5 --pids-limit 9 --shm-size 1g --ulimit nofile=1:2 --cpu-shares 7'),
      {
        NetworkMode: 'default',
        ...{
          Memory: 536870912,
          MemorySwap: -1,
          NanoCpus: 1_500_000_000,
          PidsLimit: 9,
          ShmSize: 1073741824,
          CpuShares: 7,
        },
        Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
      },
    );
    assert.deepEqual(host('--device /dev/null --device /dev/zero:/z:r').Devices, [
      { PathOnHost: '/dev/null', PathInContainer: '/dev/null', CgroupPermissions: 'rwm' },
      { PathOnHost: '/dev/zero', PathInContainer: '/z', CgroupPermissions: 'r' },
    ]);
  });

  it('maps isolation', async () => {
    assert.deepEqual(
      host('--privileged --cap-add net_admin --cap-drop ALL --pid host --security-opt no-new-privileges'),
      {
        NetworkMode: 'default',
        ...{ Privileged: true, CapAdd: ['CAP_NET_ADMIN'], CapDrop: ['ALL'], PidMode: 'host' },
        SecurityOpt: ['no-new-privileges'],
      },
    );
    assert.deepEqual(host('--security-opt systempaths=unconfined'), {
      NetworkMode: 'default',
      ...{ SecurityOpt: [], MaskedPaths: [], ReadonlyPaths: [] },
    });
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tug-seccomp-'));
    try {
      await writeFile(path.join(folder, 'p.json'), '{ "defaultAction": "x" }');
      const { SecurityOpt } = host(`--security-opt seccomp=${folder}/p.json`);
      assert.deepEqual(SecurityOpt, ['seccomp={"defaultAction":"x"}']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('maps health checks, restart policies and an empty entrypoint', () => {
    assert.deepEqual(request('--health-cmd x --health-interval 1s').Healthcheck, {
      Test: ['CMD-SHELL', 'x'],
      ...{ Interval: 1e9, Timeout: 0, StartPeriod: 0, StartInterval: 0, Retries: 0 },
    });
    assert.deepEqual(request('--no-healthcheck').Healthcheck, { Test: ['NONE'] });
    assert.deepEqual(host('--restart on-failure:3').RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 });
    assert.deepEqual(request('--entrypoint=').Entrypoint, ['']);
  });

  it("refuses contradictions in Docker's words", () => {
    failing('--rm --restart always', 'conflicting options: cannot specify both --restart and --rm');
    failing('--no-healthcheck --health-cmd x', '--no-healthcheck conflicts with --health-* options');
    failing('--security-opt foo', 'Invalid --security-opt: "foo"');
    failing('--memory-swappiness 200', 'invalid value: 200. Valid memory swappiness range is 0-100');
    failing('-p 80/foo', 'invalid proto: foo');
    failing('--storage-opt x', 'invalid storage option');
  });
});

describe('values judged while the line is read', () => {
  for (const [line, message] of [
    ['--cpus abc', 'failed to parse abc as a rational number'],
    ['--ulimit nofile=2:1', 'ulimit soft limit must be less than or equal to hard limit: 2 > 1'],
    ['--add-host x', 'bad format for add-host: "x"'],
    ['--dns x', 'IP address is not correctly formatted: x'],
    ['--blkio-weight-device x', 'bad format: x'],
    ['--sysctl foo', "sysctl 'foo' is not allowed"],
    ['--mount type=bind', 'target is required'],
    ['--mount foo', "invalid field 'foo' must be a key=value pair"],
    ['--mount type=bind,src=/a,dst=/b,volume-nocopy', "cannot mix 'volume-*' options with mount type 'bind'"],
    ['--network a,b=c', 'invalid field a'],
    ['--gpus x', 'invalid count (x): value must be either "all" or an integer: invalid syntax'],
    ['--blkio-weight 99999', 'strconv.ParseUint: parsing "99999": value out of range'],
  ] as const) {
    it(`${line}: ${message}`, () => {
      const [option = '', value = ''] = line.split(' ');
      failing(line, `invalid argument ${JSON.stringify(value)} for "${option}" flag: ${message}`);
    });
  }
});
