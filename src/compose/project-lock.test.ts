import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lockProject } from './project-lock.ts';

const never = new AbortController().signal;

describe('the lock of a project', () => {
  it('has the second command wait and says so', async () => {
    const engine = `test-${process.pid}`;
    const first = await lockProject(engine, 'shop', () => assert.fail('nobody held it'), never);
    let waited: () => void = () => {};
    const told = new Promise<void>((resolve) => {
      waited = resolve;
    });
    const second = lockProject(engine, 'shop', waited, never);
    await told;
    first[Symbol.dispose]();
    (await second)[Symbol.dispose]();
  });

  it('is each project its own', async () => {
    const engine = `test-${process.pid}`;
    using _one = await lockProject(engine, 'a', () => assert.fail(), never);
    using _other = await lockProject(engine, 'b', () => assert.fail(), never);
  });

  it('can be given up waiting for', async () => {
    const engine = `test-${process.pid}`;
    using _held = await lockProject(engine, 'c', () => {}, never);
    const controller = new AbortController();
    const waiting = lockProject(engine, 'c', () => controller.abort(), controller.signal);
    await assert.rejects(waiting, { name: 'AbortError' });
  });
});
