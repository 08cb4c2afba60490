import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type EventHistory, openEventHistory } from './history.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'tug-events-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function add(history: EventHistory, first: number, last: number, filler = ''): void {
  for (let at = first; at <= last; at += 1) {
    const Actor = { ID: 'a', Attributes: { filler } };
    const event = { Type: 'container', Action: String(at), Actor, scope: 'local', time: 0, timeNano: 0 } as const;
    history.append({ at: BigInt(at), event });
  }
}

async function actions(history: EventHistory): Promise<string[]> {
  return (await Array.fromAsync(history.read())).map(({ event }) => event.Action);
}

const numbers = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, at) => String(first + at));

describe('the history of events', () => {
  it('goes on where the last engine ended', async () => {
    for (const first of [1, 11, 21]) {
      using history = openEventHistory(folder, 1000);
      add(history, first, first + 9);
    }
    using history = openEventHistory(folder, 1000);
    assert.deepEqual(await actions(history), numbers(1, 30));
    assert.equal(readdirSync(folder).length, 1);
  });

  it('is bounded in number', async () => {
    using history = openEventHistory(folder, 80);
    for (let last = 1; last <= 500; last += 1) {
      add(history, last, last);
      const { length } = await actions(history);
      assert.ok(length >= Math.min(last, 80) && length <= 100, `${length} of ${last}`);
    }
    assert.deepEqual((await actions(history)).at(-1), '500');
  });

  it('is bounded in bytes', async () => {
    using history = openEventHistory(folder, 1_000_000);
    add(history, 1, 60, 'x'.repeat(1024 * 1024));
    const kept = await actions(history);
    assert.deepEqual([kept.length < 45, kept.length > 30, kept.at(-1)], [true, true, '60']);
  });

  it('passes over what was cut off, and loses nothing after it', async () => {
    {
      using history = openEventHistory(folder, 1000);
      add(history, 1, 2);
    }
    appendFileSync(path.join(folder, readdirSync(folder)[0] ?? ''), '3 {"Type":"cont');
    using history = openEventHistory(folder, 1000);
    add(history, 4, 5);
    assert.deepEqual(await actions(history), ['1', '2', '4', '5']);
  });

  it('reads what there is at the time of the call, also when its files go meanwhile', async () => {
    using history = openEventHistory(folder, 8);
    add(history, 1, 5);
    const reading = history.read();
    add(history, 6, 100);
    assert.deepEqual(
      (await Array.fromAsync(reading)).map(({ event }) => event.Action),
      ['1', '2', '3', '4', '5'],
    );
  });

  it('throws nothing when its folder is gone', () => {
    using history = openEventHistory(folder, 8);
    rmSync(folder, { recursive: true });
    add(history, 1, 20);
  });
});
