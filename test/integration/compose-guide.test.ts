import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { programOf } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { readBlock, readTranscript, replay } from '../helpers/transcripts.ts';

const document = 'docs/compose.md';

describe('the guide to compose', () => {
  let engine: TestEngine;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tug-guide-'));
    engine = await startEngine();
    await starterImage(engine);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows what its commands print', async () => {
    const shop = path.join(folder, 'shop');
    mkdirSync(shop);
    writeFileSync(path.join(shop, 'compose.yaml'), readBlock(document, 'example: shop'));
    const environment = Object.entries(engine.clientEnv()).filter(([name]) => /^(TUG|DOCKER)_/.test(name));
    const prelude = [
      `cd '${shop}'`,
      ...environment.map(([name, value]) => (value === undefined ? `unset ${name}` : `export ${name}='${value}'`)),
      // what a container has just written may be on its way to the log
      `tug() {
        if [ "$2" != logs ]; then '${programOf('tug')}' "$@"; return; fi
        until text=$('${programOf('tug')}' "$@") && [ -n "$text" ]; do sleep 0.05; done
        printf '%s\\n' "$text"
      }`,
    ].join('\n');
    const transcript = ['up', 'changes', 'down'].flatMap((name) => readTranscript(document, name));
    const printed = await replay(transcript, prelude, {});
    for (const [index, { command, output }] of transcript.entries())
      assert.equal(masked(printed[index]?.output ?? ''), masked(output), command);
  });
});

/** Without times, and with what is made or removed at the same time in one order. */
function masked(text: string): string {
  const lines = text
    .replaceAll(/(Less than a second|About an? \w+|\d+ (second|minute)s?)( ago)?/g, 'TIME')
    .replaceAll(/ +/g, ' ')
    .trimEnd()
    .split('\n');
  const atOnce = lines.filter((line) => /^ (Network|Volume) /.test(line)).toSorted();
  return lines.map((line) => (/^ (Network|Volume) /.test(line) ? atOnce.shift() : line)).join('\n');
}
