import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileSeccomp } from './seccomp.ts';

const section = (action: string) => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  syscalls: [
    { names: ['read', 'write', 'no_such_call'], action },
    { names: ['personality'], action, args: [{ index: 0, value: 0xffffffff, op: 'SCMP_CMP_EQ' }] },
  ],
});

describe('compiling a seccomp section', () => {
  it('gives whole BPF instructions, and skips calls this host does not know', () => {
    const program = compileSeccomp(section('SCMP_ACT_ALLOW'));
    assert.ok(program);
    assert.equal(program.length % 8, 0);
    assert.ok(program.length > 8 * 10);
  });

  it('leaves what only a runtime can do to the runtime', () => {
    assert.equal(compileSeccomp(section('SCMP_ACT_NOTIFY')), undefined);
  });
});
