import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { environmentOf, programOf } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { onTerminal } from '../helpers/pty.ts';
import { readBlock, readTranscript, replay } from '../helpers/transcripts.ts';
import { until } from '../helpers/until.ts';

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

  it('speaks of a table on a terminal, which is drawn over itself, and of names in colours', async () => {
    const file = path.join(folder, 'table.yaml');
    writeFileSync(file, readBlock(document, 'example: shop'));
    const line = [programOf('tug'), 'compose', '-p', 'table', '-f', file];
    const shown = async (...command: string[]): Promise<string> => {
      await using terminal = await onTerminal([...line, ...command], environmentOf(engine));
      const { code, screen } = await terminal.ended;
      assert.equal(code, 0, screen);
      return screen;
    };
    const up = await shown('up', '-d');
    const last = up.slice(up.lastIndexOf('[+] Running'));
    assert.match(last, /^\[\+\] Running 4\/4/);
    for (const row of [
      'Container table-db-1   .*Healthy',
      'Container table-web-1  .*Started',
      'Network table_default  .*Created',
    ])
      assert.match(last, new RegExp(`✔.* ${row}.* +\\d+\\.\\ds`), last);
    const read = async (): Promise<string> => await shown('logs');
    const logs = await until(async () => {
      const now = await read();
      return now.includes('level is') && now.includes('database ready') && now;
    }, 'what is on its way to the log');
    assert.match(logs, /\x1b\[\d+mdb-1 {3}\| \x1b\[0mdatabase ready/);
    assert.match(logs, /\x1b\[\d+mweb-1 {2}\| \x1b\[0mlevel is info/);
    assert.match(await shown('down', '-v'), /\[\+\] Running 4\/4/);
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
