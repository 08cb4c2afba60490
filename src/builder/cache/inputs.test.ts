import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { filePart, filesBelow, whyDone } from './inputs.ts';

describe('why a step was done', () => {
  it('is what differs from the most alike time before', () => {
    const now = { [filesBelow]: '1', 'the command': '1', [filePart('a')]: '2', [filePart('b')]: '1' };
    const far = { [filesBelow]: '9', 'the command': '9' };
    const near = { [filesBelow]: '1', 'the command': '1', [filePart('a')]: '1', [filePart('c')]: '1' };
    assert.equal(whyDone([far, near], now), 'file a changed, file b is new, file c is gone');
    assert.equal(
      whyDone([far], { ...near, 'the command': '9' }),
      'a step before it was done again, file a is new, file c is new',
    );
    assert.equal(whyDone([], now), 'it was not done before');
    assert.equal(whyDone([now], now), 'what it made was removed from the cache');
  });

  it('names few of many', () => {
    const files = Object.fromEntries(Array.from({ length: 9 }, (_, number) => [filePart(String(number)), '1']));
    assert.match(whyDone([{}], files), /^file 0 is new, .*, and 4 more$/);
  });
});
