import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPortSpec, parseExposedPorts, parsePort, parsePortSpec, parsePortSpecs } from './port-spec.ts';

test('every form of -p', () => {
  const cases: [text: string, formatted: string[]][] = [
    ['80', ['80/tcp']],
    ['80:80', ['80:80/tcp']],
    [':80', ['80/tcp']],
    ['80:80/', ['80:80/tcp']],
    ['53:53/UDP', ['53:53/udp']],
    ['80/sctp', ['80/sctp']],
    ['127.0.0.1:80:80', ['127.0.0.1:80:80/tcp']],
    ['127.0.0.1::80', ['127.0.0.1::80/tcp']],
    ['[::1]:80:80/udp', ['[::1]:80:80/udp']],
    ['::1:80:80', ['[::1]:80:80/tcp']],
    ['8000-8002:80-82', ['8000:80/tcp', '8001:81/tcp', '8002:82/tcp']],
    ['8000-8002:80', ['8000-8002:80/tcp']],
    ['80-81', ['80/tcp', '81/tcp']],
    ['8000-8000:80', ['8000:80/tcp']],
  ];
  for (const [text, formatted] of cases) {
    const mappings = parsePortSpec(text);
    assert.deepEqual(mappings.map(formatPortSpec), formatted, text);
    assert.deepEqual(formatted.flatMap(parsePortSpec), mappings, text);
  }
});

test('malformed ports are refused in Docker’s words', () => {
  const cases: [string, string][] = [
    ['', 'no port specified: <empty>'],
    ['80:', 'no port specified: 80:<empty>'],
    ['x', 'invalid containerPort: x'],
    ['-5', 'invalid containerPort: -5'],
    ['80:70000', 'invalid containerPort: 70000'],
    ['82-80', 'invalid containerPort: 82-80'],
    ['70000:80', 'invalid hostPort: 70000'],
    ['1.2.3.4:80', 'invalid hostPort: 1.2.3.4'],
    ['80:80/foo', 'invalid proto: foo'],
    ['1.2.3:80:80', 'invalid IP address: 1.2.3'],
    ['host:80:80', 'invalid IP address: host'],
    ['fe80::1%eth0:80:80', 'invalid IP address: fe80::1%eth0'],
    ['[::1:80:80', "invalid IP address [::1: missing ']' in address"],
    ['8000-8001:80-82', 'invalid ranges specified for container and host Ports: 80-82 and 8000-8001'],
  ];
  for (const [text, message] of cases) assert.throws(() => parsePortSpec(text), { message, kind: 'invalid' }, text);
});

test('several -p become ExposedPorts and PortBindings', () => {
  assert.deepEqual(parsePortSpecs(['80:80', '127.0.0.1:81:80', '53/udp']), {
    ExposedPorts: { '80/tcp': {}, '53/udp': {} },
    PortBindings: {
      '80/tcp': [
        { HostIp: '', HostPort: '80' },
        { HostIp: '127.0.0.1', HostPort: '81' },
      ],
      '53/udp': [{ HostIp: '', HostPort: '' }],
    },
  });
});

test('--expose and single ports', () => {
  assert.deepEqual(parseExposedPorts('80-82/udp'), ['80/udp', '81/udp', '82/udp']);
  assert.throws(() => parseExposedPorts('80:80'), { message: 'invalid port format for --expose: 80:80' });
  assert.throws(() => parseExposedPorts('x'), { message: 'invalid range format for --expose: x' });
  assert.deepEqual(parsePort('80'), { port: 80, protocol: 'tcp' });
  assert.deepEqual(parsePort('53/udp'), { port: 53, protocol: 'udp' });
  assert.throws(() => parsePort('70000/tcp'), { kind: 'invalid' });
  assert.throws(() => parsePort('80-81/tcp'), { kind: 'invalid' });
});
