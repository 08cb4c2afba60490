import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNetDev } from './interface-counters.ts';

test('interfaces are counted by name, the loopback left out', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:    1226      13    1    2    0     0          0         0      766      11    3    4    0     0       0          0
veth9:12345678901 5 0 0 0 0 0 0 6 7 0 0 0 0 0 0
`;
  const found = parseNetDev(text);
  assert.deepEqual([...found.keys()], ['eth0', 'veth9']);
  assert.deepEqual(found.get('eth0'), {
    received: { bytes: 1226, packets: 13, errors: 1, dropped: 2 },
    sent: { bytes: 766, packets: 11, errors: 3, dropped: 4 },
  });
  assert.equal(found.get('veth9')?.received.bytes, 12345678901);
});
