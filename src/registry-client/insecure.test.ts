import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insecurePolicy } from './insecure.ts';

test('takes loopback as insecure without being told, and nothing else', async () => {
  const policy = insecurePolicy([]);
  for (const host of ['localhost', 'localhost:5000', '127.0.0.1:5000', '127.8.9.1', '[::1]:5000']) {
    assert.equal(await policy(host), true, host);
  }
  for (const host of ['registry.test', '10.0.0.1:5000', '127.registry.test', 'localhost.test', '[fd00::1]:5000']) {
    assert.equal(await policy(host), false, host);
  }
});

test('takes hosts with and without a port, and networks', async () => {
  const policy = insecurePolicy(['Registry.test', 'other.test:5000', '10.1.0.0/16', 'fd00::/8']);
  for (const host of ['registry.test', 'registry.test:5000', 'other.test:5000', '10.1.2.3:80', '[fd00::1]:5000']) {
    assert.equal(await policy(host), true, host);
  }
  for (const host of ['other.test', 'other.test:5001', '10.2.0.1']) assert.equal(await policy(host), false, host);
});

test('refuses an entry that is neither host nor network', () => {
  for (const entry of ['http://registry.test', 'registry.test/path', '', '10.0.0.0/33']) {
    assert.throws(() => insecurePolicy([entry]), {
      kind: 'invalid',
      message: /is neither HOST, HOST:PORT nor a network/,
    });
  }
});
