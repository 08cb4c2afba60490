import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import koffi from 'koffi';
import { check, libc, sureOfErrno } from './ffi.ts';

const { EAGAIN, ENODATA } = koffi.os.errno;

/** A call that fails so often as there are errnos. */
function failing(...errnos: readonly (number | undefined)[]): () => number {
  const left = [...errnos];
  return () => {
    const errno = left.shift();
    if (errno === undefined) return 7;
    koffi.errno(errno);
    return -1;
  };
}

describe('a call into libc', () => {
  it('that fails tells why, though somebody else has left his errno meanwhile', () => {
    const call = sureOfErrno(failing(EAGAIN, ENODATA));
    assert.throws(() => check(call(), 'call', '/name'), { code: 'ENODATA', syscall: 'call', path: '/name' });
  });

  it('is made once when it succeeds or is sure why it failed, and fails with EAGAIN when that is the reason', () => {
    assert.equal(sureOfErrno(failing())(), 7);
    assert.throws(() => check(sureOfErrno(failing(ENODATA))(), 'call'), { code: 'ENODATA' });
    assert.throws(() => check(sureOfErrno(failing(EAGAIN, EAGAIN))(), 'call'), { code: 'EAGAIN' });
    assert.throws(() => check(libc('int close(int)')(-1), 'close'), { code: 'EBADF' });
  });
});
