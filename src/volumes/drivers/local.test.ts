import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testVolumeDriver } from '../contract-suite.ts';
import { createLocalDriver } from './local.ts';
import { checkLocalOptions, planMount, withAddress } from './local-options.ts';

testVolumeDriver('local', createLocalDriver, [{}, { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' }, { size: '4m' }]);

describe('options of local volumes', () => {
  it('need each other', () => {
    assert.throws(() => checkLocalOptions({ o: 'ro' }), { message: 'missing required option: "device"' });
    assert.throws(() => checkLocalOptions({ device: 'x' }), { message: 'missing required option: "type"' });
    assert.throws(() => checkLocalOptions({ size: '10' }), { message: /a volume has 1m at least/ });
    assert.throws(() => checkLocalOptions({ size: '1g', type: 'tmpfs', device: 'x' }), { kind: 'invalid' });
    checkLocalOptions({ type: 'none', device: '/x', o: 'bind' });
  });

  it('become flags, propagation and data of mount(2)', () => {
    const plan = planMount({ type: 'none', device: '/x', o: 'rbind,ro,rslave,uid=5' });
    const expected = { source: '/x', type: 'none', flags: 4096 | 16384 | 1, propagation: (1 << 19) | 16384 };
    assert.deepEqual(plan, { ...expected, data: 'uid=5' });
    assert.equal(planMount({ type: 'none', device: '/x', o: 'ro,rw' })?.flags, 0);
    assert.equal(planMount({}), undefined);
  });

  it('get the address of a server in numbers', async () => {
    const data = async (options: Record<string, string>) => (await withAddress(planMount(options)!)).data;
    assert.equal(await data({ type: 'nfs', device: ':/x', o: 'addr=127.0.0.1,vers=4' }), 'vers=4,addr=127.0.0.1');
    assert.equal(await data({ type: 'nfs4', device: '127.0.0.2:/x' }), 'addr=127.0.0.2');
    assert.equal(await data({ type: 'nfs', device: '[::1]:/x' }), 'addr=::1');
    assert.equal(await data({ type: 'cifs', device: '//127.0.0.3/share', o: 'user=a' }), 'user=a,addr=127.0.0.3');
    assert.equal(await data({ type: 'tmpfs', device: 'tmpfs', o: 'size=1m' }), 'size=1m');
  });
});
