import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { disagreements } from '../crash/invariants.ts';
import { belongings, grown } from '../helpers/belongings.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { pastEvents } from '../helpers/events.ts';
import { type StressReport, stress } from '../helpers/stress.ts';

/** `TUG_STRESS_SECONDS=60` is the long run. */
const seconds = Number(process.env['TUG_STRESS_SECONDS'] ?? 8);
/** 200 at a time in the long run; a short one would only wait for the last of them to end. */
const workers =
  seconds >= 30 ? { api: 140, tug: 20, docker: 20, shared: 20 } : { api: 12, tug: 2, docker: 2, shared: 8 };

describe('many containers at a time', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
    await starterImage(engine);
  });
  after(() => engine?.[Symbol.asyncDispose]());

  it(`are created, started, stopped and removed for ${seconds} seconds without a wrong answer, and leave nothing`, async (t) => {
    await stress(engine, { duration: 1, workers: { api: 2, tug: 1, docker: 1, shared: 0 } }); // what an engine opens once
    const before = await belongings(engine);
    const since = Date.now() / 1000;
    const report = await stress(engine, { duration: seconds * 1000, workers });
    for (let number = 0; number < 8; number += 1) await engine.api('DELETE', `/containers/shared-${number}?force=1`);
    for (const line of summary(report)) t.diagnostic(line);
    assert.deepEqual(report.wrong, []);
    assert.equal((await engine.tug(['ps', '-aq'])).stdout, '');
    assert.deepEqual(await disagreements(engine), []);
    assert.deepEqual(await grown(engine, before), []);
    assert.deepEqual(await wrongOrders(engine, since), []);
  });
});

function summary({ times, lives }: StressReport): string[] {
  const lines = [...times]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, list]) => {
      const sorted = list.toSorted((a, b) => a - b);
      const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(0);
      return `${name}: ${sorted.length} times, median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
    });
  return [`${lives()} lives`, ...lines];
}

/** By its events, each container was created once, started and ended in turns, and destroyed once. */
async function wrongOrders(engine: TestEngine, since: number): Promise<string[]> {
  const filters = { type: ['container'], event: ['create', 'start', 'die', 'destroy'] };
  const orders = new Map<string, string>();
  for (const { Action, Actor } of await pastEvents(engine, since, filters)) {
    orders.set(Actor.ID, `${orders.get(Actor.ID) ?? ''}${Action} `);
  }
  // the history holds the last 10,000: what is older than it is cut off at the front
  return [...orders.values()].filter((order) => !/^(create |die |)(start die )*destroy $|^$/.test(order));
}
