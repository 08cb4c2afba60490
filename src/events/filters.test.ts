import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventMessage } from '../api/types/event.ts';
import { createEventFilter } from './filters.ts';

function event(Type: string, Action: string, ID: string, Attributes: Record<string, string> = {}): EventMessage {
  return { Type, Action, Actor: { ID, Attributes }, scope: 'local', time: 0, timeNano: 0 };
}
const web = event('container', 'start', 'abcdef', { name: 'web', image: 'localhost:5000/nginx:1', tier: 'front' });
const pull = event('image', 'pull', 'nginx:1', { name: 'nginx' });
const health = event('container', 'health_status: healthy', 'abcdef', { name: 'web' });

/** Which of the three pass. */
const passing = (filters: Record<string, string[]>) => {
  const filter = createEventFilter(filters);
  return [web, pull, health].map(filter);
};

describe('event filters', () => {
  it('let everything pass when there are none', () => {
    assert.deepEqual(passing({}), [true, true, true]);
    assert.deepEqual(passing({ type: [] }), [true, true, true]);
  });

  it('are any of the values of a key, and all of the keys', () => {
    assert.deepEqual(passing({ type: ['container', 'image'] }), [true, true, true]);
    assert.deepEqual(passing({ type: ['container'], event: ['pull'] }), [false, false, false]);
  });

  it('match containers by the beginning of id or name, and so leave other types out', () => {
    assert.deepEqual(passing({ container: ['abc'] }), [true, false, true]);
    assert.deepEqual(passing({ container: ['web'] }), [true, false, true]);
  });

  it('match images by name with and without tag, for containers too', () => {
    assert.deepEqual(passing({ image: ['nginx'] }), [false, true, false]);
    assert.deepEqual(passing({ image: ['localhost:5000/nginx'] }), [true, false, false]);
    assert.deepEqual(passing({ image: ['localhost:5000/nginx:1'] }), [true, false, false]);
  });

  it('take the bare name of an action that carries more', () => {
    assert.deepEqual(passing({ event: ['health_status'] }), [false, false, true]);
    assert.deepEqual(passing({ event: ['health_status: healthy'] }), [false, false, true]);
    assert.deepEqual(passing({ event: ['star'] }), [false, false, false]);
  });

  it('ask for all labels at once', () => {
    assert.deepEqual(passing({ label: ['tier', 'name=web'] }), [true, false, false]);
    assert.deepEqual(passing({ label: ['tier=back'] }), [false, false, false]);
    assert.deepEqual(passing({ label: ['toString'] }), [false, false, false]);
  });

  it('know the daemon, the scope and the kinds that never happen', () => {
    assert.deepEqual(passing({ scope: ['local'] }), [true, true, true]);
    assert.deepEqual(passing({ service: ['x'] }), [false, false, false]);
  });

  it('refuse a key that does not exist', () => {
    assert.throws(() => createEventFilter({ colour: ['red'] }), {
      kind: 'invalid',
      message: "invalid filter 'colour'",
    });
    assert.throws(() => createEventFilter({ constructor: ['x'] }), { kind: 'invalid' });
  });
});
