import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freePair, pairOf, parseLxcContexts, selinuxLabels, sharedLabel } from './selinux.ts';

const policy = { process: 'system_u:system_r:container_t:s0', file: 'system_u:object_r:container_file_t:s0' };
const labels = (...options: string[]) => selinuxLabels(policy, options, 'c1,c2');

describe('SELinux labels of a container', () => {
  it("are the policy's, with a pair of categories", () => {
    const mount = 'system_u:object_r:container_file_t:s0:c1,c2';
    assert.deepEqual(labels(), { process: 'system_u:system_r:container_t:s0:c1,c2', mount });
    assert.equal(sharedLabel(mount), 'system_u:object_r:container_file_t:s0');
    assert.equal(pairOf(mount), 'c1,c2');
    assert.equal(pairOf(''), undefined);
  });

  it('take user, role, type, level and filetype', () => {
    assert.deepEqual(labels('type:web_t', 'user:staff_u', 'role:r', 'filetype:web_file_t'), {
      process: 'staff_u:r:web_t:s0:c1,c2',
      mount: 'staff_u:object_r:web_file_t:s0:c1,c2',
    });
    assert.deepEqual(labels('level:s0-s0:c5,c7'), {
      process: 'system_u:system_r:container_t:s0-s0:c5,c7',
      mount: 'system_u:object_r:container_file_t:s0-s0:c5,c7',
    });
  });

  it('leave a disabled one unconfined, with files that no other container may read', () => {
    assert.deepEqual(labels('disable'), { process: '', mount: 'system_u:object_r:container_file_t:s0:c1022,c1023' });
  });

  it('refuse what is no option, or would be more than a label', () => {
    for (const option of ['', 'type', 'type:', 'colour:red', 'type:a"b', 'level:s0\n'])
      assert.throws(() => labels(option), { kind: 'invalid' }, option);
  });
});

it('no pair of categories is given twice', () => {
  const numbers = [7, 7, 9, 3, 1023, 1022, 3, 5];
  const next = () => numbers.shift() ?? 0;
  assert.equal(freePair(new Set(['c3,c9']), next), 'c3,c5');
});

it('reads the contexts of a policy', () => {
  const text = `process = "${policy.process}"\ncontent = "x"\nfile = "${policy.file}"\n`;
  assert.deepEqual(parseLxcContexts(text), policy);
  assert.equal(parseLxcContexts('process = "x"'), undefined);
});
