import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger, silentLogger } from '../../base/log.ts';
import { createAudit } from './audit.ts';

const entry = (user: string) => ({ event: 'login', user, address: '10.0.0.1', allowed: true }) as const;

describe('the audit log', () => {
  it('writes one line of JSON for each entry, in order, and what is left at its end', async () => {
    let text = '';
    const append = async (lines: string): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      text += lines;
    };
    {
      await using audit = createAudit(append, silentLogger, () => new Date(0));
      for (let number = 0; number < 100; number++) audit.record(entry(`u${number}\n`));
    }
    const lines = text.trim().split('\n');
    assert.equal(lines.length, 100);
    assert.deepEqual(JSON.parse(lines[7] ?? ''), { time: '1970-01-01T00:00:00.000Z', ...entry('u7\n') });
  });

  it('goes on after a disk that was full, and says what it lost', async () => {
    let full = true;
    let text = '';
    const said: string[] = [];
    const append = async (lines: string): Promise<void> => {
      if (full) throw new Error('ENOSPC');
      text += lines;
    };
    const audit = createAudit(append, createLogger({ write: (line) => said.push(line) }));
    audit.record(entry('lost'));
    await audit[Symbol.asyncDispose]();
    full = false;
    audit.record(entry('kept'));
    await audit[Symbol.asyncDispose]();
    assert.match(said.join(''), /cannot be written dropped=1/);
    assert.match(text, /^\{.*"kept".*\}\n$/);
  });
});
