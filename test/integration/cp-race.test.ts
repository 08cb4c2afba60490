import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, it } from 'node:test';
import { formatEntry, tarTrailer } from '../../src/formats/tar/writer.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { describeTree } from '../helpers/file-tree.ts';

/** Seconds that each race is run for. */
const seconds = Number(process.env['TUG_RACE_SECONDS'] ?? 3);

let engine: TestEngine;
let canary: string;

before(async () => {
  engine = await startEngine();
  canary = path.join(engine.root, 'canary');
  fs.mkdirSync(path.join(canary, 'sub'), { recursive: true });
  for (const name of ['secret', 'sub/secret', 'file']) fs.writeFileSync(path.join(canary, name), 'the host');
});
after(() => engine?.[Symbol.asyncDispose]());

/**
 * In the container: `/w/d` is now a folder, now a link to the host's canary by its path on the host, which the container
 * has a place of its own for; so are `/w/d/sub` and `/w/d/file`. The loop is a shell's, so several run at once.
 */
const swap = (target: string) => `
  mkdir -p /w/real/sub "${target}/sub"; printf mine >/w/real/file; printf mine >/w/real/sub/secret
  while :; do
    ln -s "${target}" /w/new; mv -T /w/new /w/d 2>/dev/null; rm -rf /w/d; mv /w/real /w/d
    mv /w/d/sub /w/d/other; ln -s "${target}/sub" /w/d/sub; rm -f /w/d/file; ln -s "${target}/file" /w/d/file
    rm -f /w/d/sub /w/d/file; mv /w/d/other /w/d/sub; printf mine >/w/d/file
    mv /w/d /w/real; rm -rf /w/d; [ -d /w/real/sub ] || { rm -rf /w/real; mkdir -p /w/real/sub; printf mine >/w/real/sub/secret; }
  done`;

function archive(): Buffer {
  const data = Buffer.from('from outside');
  const file = (name: string) => [
    formatEntry({ name, type: 'file', mode: 0o644, size: data.length }),
    Buffer.concat([data, Buffer.alloc(512 - data.length)]),
  ];
  return Buffer.concat([
    ...file('d/file'),
    formatEntry({ name: 'd/sub/', type: 'directory', mode: 0o700, uid: 7, gid: 7 }),
    ...file('d/sub/secret'),
    ...file('d/sub/evil'),
    formatEntry({ name: 'd/sub/hard', type: 'hard-link', mode: 0o644, linkName: 'd/file' }),
    formatEntry({ name: 'd/sub/fifo', type: 'fifo', mode: 0o666 }),
    formatEntry({ name: 'd/sub', type: 'file', mode: 0o644 }), // takes away what is in the folder
    tarTrailer(),
  ]);
}

it(`a container that swaps folders for links to the host never gets a copy to touch a host file (${seconds} s)`, async () => {
  const before = describeTree(canary);
  const image = await starterImage(engine);
  const create = { Image: image, Cmd: ['sh', '-c', swap(canary)], HostConfig: { NetworkMode: 'none' } };
  assert.equal((await engine.api('POST', '/containers/create?name=racer', create)).status, 201);
  assert.equal((await engine.api('POST', '/containers/racer/start')).status, 204);
  const end = performance.now() + seconds * 1000;
  const tried = { read: 0, written: 0, refused: 0 };

  const write = async (): Promise<void> => {
    while (performance.now() < end || tried.written < 6) {
      const target = ['/w', '/w/d', '/w/d/sub'][tried.written % 3];
      const answer = await engine.api('PUT', `/containers/racer/archive?path=${target}`, archive());
      assert.ok([200, 400, 403, 404, 409].includes(answer.status), `${answer.status}: ${answer.text}`);
      tried.written += 1;
      if (answer.status !== 200) {
        tried.refused += 1;
        assert.match(answer.json<{ message: string }>().message, /\w \w/);
      }
    }
  };
  const read = async (): Promise<void> => {
    while (performance.now() < end || tried.read < 7) {
      const target = ['/w', '/w/d', '/w/d/', '/w/d/sub', '/w/d/sub/secret', '/w/d/file', '/w/d/.'][tried.read % 7];
      const answer = await engine.api('GET', `/containers/racer/archive?path=${target}`);
      assert.ok([200, 400, 404, 409].includes(answer.status), `${answer.status}: ${answer.text}`);
      assert.ok(!answer.bytes.includes('the host'), `${target} gave a file of the host`);
      tried.read += 1;
    }
  };
  await Promise.all([write(), read(), write(), read()]);

  assert.equal(
    (await engine.api('GET', '/containers/racer/json')).json<{ State: { Running: boolean } }>().State.Running,
    true,
  );
  assert.deepEqual(describeTree(canary), before);
  assert.ok(tried.written > 5 && tried.read > 5, JSON.stringify(tried));
  assert.ok(!/internal error|error \[/.test(engine.log()), engine.log().slice(-2000));
  await engine.api('DELETE', '/containers/racer?force=1');
});

it('nor does one that swaps a folder that is bound into a container that does not run', async () => {
  const shared = path.join(engine.root, 'shared');
  fs.mkdirSync(shared);
  const before = describeTree(canary);
  const image = await starterImage(engine);
  const host = { NetworkMode: 'none', Binds: [`${shared}:/w`] };
  for (const [name, script] of [
    ['swapper', swap(canary)],
    ['victim', 'true'],
  ] as const) {
    const create = { Image: image, Cmd: ['sh', '-c', script], HostConfig: host };
    assert.equal((await engine.api('POST', `/containers/create?name=${name}`, create)).status, 201);
  }
  assert.equal((await engine.api('POST', '/containers/swapper/start')).status, 204);
  const end = performance.now() + (seconds * 1000) / 2;
  for (let count = 0; performance.now() < end || count < 3; count += 1) {
    const target = ['/w', '/w/d', '/w/d/sub'][count % 3];
    const put = await engine.api('PUT', `/containers/victim/archive?path=${target}`, archive());
    assert.ok([200, 400, 403, 404, 409].includes(put.status), put.text);
    const got = await engine.api('GET', `/containers/victim/archive?path=${target}`);
    assert.ok(!got.bytes.includes('the host'));
  }
  assert.deepEqual(describeTree(canary), before);
  for (const name of ['swapper', 'victim']) await engine.api('DELETE', `/containers/${name}?force=1`);
});
