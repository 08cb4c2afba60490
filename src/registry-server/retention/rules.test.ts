import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcher, ruleFor, type TagFacts, tagsToRemove, untaggedToRemove } from './rules.ts';

const day = 24 * 60 * 60 * 1000;
const now = 1000 * day;
const tag = (name: string, pushedAgo: number, pulledAgo?: number): TagFacts => ({
  tag: name,
  digest: `sha256:${name}`,
  pushed: now - pushedAgo * day,
  pulled: pulledAgo === undefined ? undefined : now - pulledAgo * day,
});
const removed = (tags: TagFacts[], rule: Omit<Parameters<typeof tagsToRemove>[1], 'repositories'>): string[] =>
  tagsToRemove(tags, { repositories: '**', ...rule }, now).map(({ what, why }) => `${what.tag}: ${why}`);

test('the last tags that were pushed are kept', () => {
  const tags = [tag('old', 9), tag('new', 1), tag('middle', 5)];
  assert.deepEqual(removed(tags, { keeplast: 2 }), ['old: 2 tags are newer, 2 are kept']);
  assert.deepEqual(removed(tags, { keeplast: 0 }).length, 3);
  assert.deepEqual(removed(tags, { keeplast: 5 }), []);
});

test('tags are kept by any of the reasons of a rule', () => {
  const tags = [tag('a', 90, 3), tag('b', 80, 50), tag('c', 70), tag('d', 2)];
  assert.deepEqual(removed(tags, { keeplast: 1, keeppulledwithin: 30 * day }), [
    'c: 1 tags are newer, 1 are kept, never pulled',
    'b: 2 tags are newer, 1 are kept, pulled 50 days ago',
  ]);
  assert.deepEqual(
    removed(tags, { keeppushedwithin: 75 * day }).map((line) => line[0]),
    ['b', 'a'],
  );
});

test('a rule that says nothing of tags removes none, one for certain tags no others', () => {
  const tags = [tag('v1', 90), tag('pr-1', 90), tag('pr-2', 1)];
  assert.deepEqual(removed(tags, { untaggedolderthan: day }), []);
  assert.deepEqual(
    removed(tags, { tags: 'pr-*', keeplast: 1 }).map((line) => line.split(':')[0]),
    ['pr-1'],
  );
});

test('untagged manifests go when they are old and nothing refers to them', () => {
  const rule = { repositories: '**', untaggedolderthan: 7 * day };
  const manifests = [tag('child', 30), tag('old', 30), tag('new', 3)];
  const gone = untaggedToRemove(manifests, rule, new Set(['sha256:child']), now);
  assert.deepEqual(
    gone.map(({ what, why }) => `${what.digest} ${why}`),
    ['sha256:old untagged, pushed 30 days ago'],
  );
  assert.deepEqual(untaggedToRemove(manifests, { repositories: '**', keeplast: 0 }, new Set(), now), []);
});

test('the first rule that fits a repository counts', () => {
  const rules = [
    { repositories: 'team/*', keeplast: 1 },
    { repositories: '**', keeplast: 2 },
  ];
  assert.equal(ruleFor('team/app', rules)?.keeplast, 1);
  assert.equal(ruleFor('team/app/web', rules)?.keeplast, 2);
  assert.equal(ruleFor('other', rules.slice(0, 1)), undefined);
});

test('patterns take every character but the stars and the question mark as it is', () => {
  assert.ok(matcher('v1.?')('v1.2') && !matcher('v1.?')('v1x2') && !matcher('a*')('a/b') && matcher('a**')('a/b'));
});
