import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { writeFileAtomic } from './atomic-file.ts';
import { asTugError, isKind, notFound } from './errors.ts';
import { newId, shortId } from './ids.ts';
import { createLogger } from './log.ts';
import { parseSignal, run, runChecked } from './process.ts';
import { tugVersion } from './version.ts';

describe('errors', () => {
  it('keep their kind, and a full disk gets one of its own', () => {
    const missing = notFound('No such image: x');
    assert.equal(asTugError(missing), missing);
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    assert.ok(isKind(asTugError(full), 'exhausted'));
    assert.equal(asTugError(new TypeError('x')).kind, 'internal');
  });
});

describe('the log', () => {
  it('writes one line per event, whatever the fields hold', () => {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const log = createLogger({ write, now: () => new Date(0), channels: ['net'] });
    log.info('two words', { a: 1, b: 'x y', c: undefined, error: new Error('bad', { cause: new Error('worse') }) });
    log.debug('not said');
    log.channel('net').debug('said', { id: 5n });
    assert.deepEqual(lines, [
      '1970-01-01T00:00:00.000Z info  two words a=1 b="x y" error="bad: worse"\n',
      '1970-01-01T00:00:00.000Z debug [net] said id=5\n',
    ]);
  });
});

describe('running a program', () => {
  it('gives exit code and output, and 128 + n for a signal', async () => {
    const result = await run('sh', ['-c', 'cat; echo err >&2; exit 3'], { input: 'in' });
    assert.deepEqual(result, { code: 3, stdout: 'in', stderr: 'err\n' });
    assert.equal((await run('sh', ['-c', 'kill -TERM $$'])).code, 143);
  });

  it('says which program is missing and what a failing one said', async () => {
    await assert.rejects(run('no-such-program-here', []), /no-such-program-here is not installed/);
    await assert.rejects(runChecked('sh', ['-c', 'echo why >&2; exit 1']), /why/);
    await assert.rejects(run('sleep', ['30'], { timeout: 20 }), /ran for more than 20 ms/);
  });
});

describe('signals', () => {
  it('are numbers, names, names without SIG, and the real-time ones', () => {
    assert.deepEqual(['9', 'KILL', 'SIGKILL', 'sigterm', 'RTMIN+3'].map(parseSignal), [9, 9, 9, 15, 37]);
    assert.deepEqual(['0', '65', 'NOPE', ''].map(parseSignal), [undefined, undefined, undefined, undefined]);
  });
});

describe('ids', () => {
  it('are 64 hexadecimal digits, shown as 12', () => {
    assert.match(newId(), /^[0-9a-f]{64}$/);
    assert.equal(shortId(`sha256:${'ab'.repeat(32)}`), 'abababababab');
  });
});

describe('replacing a file', () => {
  it('leaves the old content and no temporary when the new cannot be written', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tug-atomic-'));
    try {
      const file = path.join(folder, 'state');
      await writeFileAtomic(file, 'one');
      await writeFileAtomic(file, 'two', 0o600);
      assert.equal(readFileSync(file, 'utf8'), 'two');
      await assert.rejects(writeFileAtomic(path.join(folder, 'none', 'state'), 'x'));
      assert.equal(existsSync(path.join(folder, 'none')), false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the version', () => {
  it('is the one in package.json', () => {
    const manifest = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8')) as object;
    assert.equal((manifest as { version: string }).version, tugVersion);
  });
});
