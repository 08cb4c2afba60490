import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProgressMessage } from '../../api/types/image.ts';
import type { Output } from './output.ts';
import { showProgress } from './progress.ts';
import { createBars, rowText } from './progress-bars.ts';

function collector(isTerminal: boolean): Output & { text: string } {
  const output = {
    fd: -1,
    isTerminal,
    columns: isTerminal ? 80 : undefined,
    text: '',
    write: async (data: string | Uint8Array) => {
      output.text += data.toString();
    },
  };
  return output;
}

async function* stream(...messages: ProgressMessage[]): AsyncGenerator<ProgressMessage> {
  yield* messages;
}

describe('progress without a terminal', () => {
  it('is a line for each change of state', async () => {
    const out = collector(false);
    await showProgress(
      stream(
        { id: 'latest', status: 'Pulling from a' },
        { id: 'x', status: 'Pulling fs layer', progressDetail: {} },
        { id: 'x', status: 'Downloading', progressDetail: { current: 1, total: 2 } },
        { id: 'x', status: 'Pull complete', progressDetail: {} },
        { status: 'Digest: sha256:1' },
        { stream: 'Loaded image: a\n' },
      ),
      out,
    );
    assert.equal(
      out.text,
      'latest: Pulling from a\nx: Pulling fs layer\nx: Pull complete\nDigest: sha256:1\nLoaded image: a\n',
    );
  });

  it("fails with the engine's words", async () => {
    const failing = stream({ status: 'one' }, { error: 'x', errorDetail: { message: 'pull access denied' } });
    await assert.rejects(showProgress(failing, collector(false)), { message: 'pull access denied' });
  });
});

describe('progress on a terminal', () => {
  it('draws a row for each layer and redraws in place, not more often than the eye sees', async () => {
    const out = collector(true);
    let time = 0;
    const bars = createBars(out, () => time);
    await bars.update({ id: 'a', status: 'Downloading', progressDetail: { current: 0, total: 100 } });
    await bars.update({ id: 'b', status: 'Waiting' });
    assert.match(out.text, /\x1b\[1A\r\x1b\[2Ka: Downloading \[>.*\n\r\x1b\[2Kb: Waiting\n$/);
    out.text = '';
    time = 10;
    await bars.update({ id: 'a', status: 'Downloading', progressDetail: { current: 50, total: 100 } });
    assert.equal(out.text, '');
    await bars.finish();
    assert.match(out.text, /^\x1b\[2A\r\x1b\[2Ka: Downloading \[={15}> {14}\] 50B\/100B\n/);
  });

  it('tells amount, total and rate', () => {
    const row = {
      id: 'a',
      status: 'Downloading',
      current: 30_000_000,
      total: 40_000_000,
      since: 1000,
      from: 10_000_000,
    };
    assert.equal(rowText(row, 3000), 'a: Downloading [======================>       ] 30MB/40MB 10MB/s');
    assert.equal(rowText({ ...row, total: 0 }, 3000), 'a: Downloading 30MB 10MB/s');
  });
});
