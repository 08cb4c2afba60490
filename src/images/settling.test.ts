import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Database, openDatabase } from '../base/database.ts';
import { createFakeClock } from '../base/fake-clock.ts';
import { silentLogger } from '../base/log.ts';
import { createSettling, type Settling, settlingMigrations } from './settling.ts';

describe('the sync that follows what was recorded', () => {
  let database: Database;
  let clock: ReturnType<typeof createFakeClock>;
  let settling: Settling;
  let synced: number[];
  beforeEach(() => {
    database = openDatabase(':memory:', settlingMigrations);
    clock = createFakeClock();
    synced = [];
    const sync = async (): Promise<void> => void synced.push(clock.now());
    settling = createSettling({ database, session: 'one', sync, log: silentLogger, clock });
  });
  afterEach(async () => {
    await settling.close();
    database[Symbol.dispose]();
  });

  it('comes half a second after the last note, and strikes the notes out', async () => {
    settling.note('blob', 'a');
    await clock.advance(400);
    settling.note('layer', 'b');
    await clock.advance(499);
    assert.deepEqual(synced, []);
    assert.equal(settling.pending().length, 2);
    await clock.advance(1);
    assert.deepEqual(synced, [900]);
    assert.deepEqual(settling.pending(), []);
  });

  it('waits while layers are unpacked, for ten seconds from the first note', async () => {
    const [first, second] = [settling.hold(), settling.hold()];
    settling.note('blob', 'a');
    await clock.advance(5000);
    settling.note('blob', 'b');
    first();
    await clock.advance(4999);
    assert.deepEqual(synced, []);
    await clock.advance(1);
    assert.deepEqual(synced, [10_000]);
    second();
    await clock.advance(20_000);
    assert.deepEqual(synced, [10_000]);
  });

  it('comes half a second after the last layer was unpacked', async () => {
    const release = settling.hold();
    settling.note('blob', 'a');
    await clock.advance(2000);
    release();
    await clock.advance(500);
    assert.deepEqual(synced, [2500]);
  });
});
