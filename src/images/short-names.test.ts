import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProgressMessage } from '../api/types/image.ts';
import { notFound, TugError } from '../base/errors.ts';
import type { Progress, PullRequest } from './contract.ts';
import { searchRegistries } from './short-names.ts';

const never = new AbortController().signal;
const request = (reference: string, more: Partial<PullRequest> = {}): PullRequest => ({
  ...{ reference, platform: undefined, auth: undefined },
  ...more,
});

/** A pull that finds images where `has` says, and notes what it was asked. */
function world(has: (reference: string) => true | Error) {
  const asked: PullRequest[] = [];
  const lines: ProgressMessage[] = [];
  const pull = async (one: PullRequest, progress: Progress) => {
    asked.push(one);
    const answer = has(one.reference);
    if (answer !== true) throw answer;
    progress({ status: 'Pulling' });
    return `id of ${one.reference}`;
  };
  const run = (search: readonly string[], one: PullRequest, signal = never) =>
    searchRegistries(search, one, (line) => lines.push(line), signal, pull);
  return { asked, lines, run };
}

describe('a name without a registry', () => {
  it('is pulled from the first searched registry that has it, and said to be', async () => {
    const { asked, lines, run } = world((name) => name.startsWith('b.test/') || notFound('not here'));
    const { pulled, reference } = await run(['a.test', 'b.test', 'docker.io'], request('team/app:1'));
    assert.deepEqual([pulled, reference], ['id of b.test/team/app:1', 'b.test/team/app:1']);
    assert.deepEqual(
      asked.map((one) => one.reference),
      ['a.test/team/app:1', 'b.test/team/app:1'],
    );
    assert.deepEqual(lines, [
      { status: 'Short name "team/app:1" stands for b.test/team/app:1' },
      { progressDetail: {}, aux: { Reference: 'b.test/team/app:1' } },
      { status: 'Pulling' },
    ]);
  });

  it('is the default registry’s own where nothing is searched', async () => {
    const { lines, run } = world(() => true);
    assert.equal((await run([], request('app'))).reference, 'app');
    assert.deepEqual(lines, [{ status: 'Pulling' }]);
  });

  it('is looked for no further where a registry has it and the pull fails', async () => {
    const { asked } = world(() => true);
    const failing = async (one: PullRequest, progress: Progress) => {
      asked.push(one);
      progress({ status: 'Pulling' });
      throw new TugError('exhausted', 'disk full');
    };
    await assert.rejects(
      searchRegistries(['a.test', 'b.test'], request('app'), () => {}, never, failing),
      /disk full/,
    );
    assert.equal(asked.length, 1);
  });

  it('that is nowhere is told with what each registry said', async () => {
    const { run } = world((name) =>
      name.startsWith('a.') ? notFound('no a') : new TugError('unauthorized', 'who are you'),
    );
    await assert.rejects(run(['a.test', 'b.test'], request('app')), {
      kind: 'unauthorized',
      message:
        'short name "app" was not found in any of the 2 registries that are searched: a.test: no a; b.test: who are you',
    });
    await assert.rejects(run(['a.test'], request('app')), { kind: 'not-found' });
  });

  it('is not looked for any more when the caller has gone', async () => {
    const { asked, run } = world(() => new TugError('cancelled', 'gone'));
    await assert.rejects(run(['a.test', 'b.test'], request('app'), AbortSignal.abort()), { kind: 'cancelled' });
    assert.equal(asked.length, 1);
  });

  it('takes each registry its own login only', async () => {
    const { asked, run } = world(() => notFound('no'));
    const auths = { 'b.test': { username: 'b' }, 'https://index.docker.io/v1/': { username: 'hub' } };
    const search = ['a.test', 'b.test', 'docker.io'];
    await assert.rejects(run(search, request('app', { auths })));
    await assert.rejects(run(search, request('app', { auth: { username: 'old' } })));
    await assert.rejects(run(search, request('app', { auth: { username: 'a', serveraddress: 'a.test' } })));
    assert.deepEqual(
      asked.map(({ auth }) => auth?.username),
      [undefined, 'b', 'hub', undefined, undefined, 'old', 'a', undefined, undefined],
    );
  });
});

describe('a name with a registry', () => {
  it('is never searched', async () => {
    const { asked, run } = world(() => notFound('no'));
    for (const name of ['docker.io/library/app', 'localhost/app', 'box:5000/app']) {
      await assert.rejects(run(['a.test'], request(name)), { message: 'no' });
      assert.equal(asked.at(-1)?.reference, name);
    }
  });
});
