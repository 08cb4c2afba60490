import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startEngine, starterImage } from '../helpers/engine.ts';

/** The two are not asked at the same moment: what they say of time, and the room it takes, is left out. */
const timeless = (text: string): string =>
  text.replace(/(\d+ (seconds?|minutes?)|Less than a second|About a minute) ago/g, 'AGO').replace(/ +/g, ' ');

describe('history', () => {
  it('tells how an image was made, as Docker prints it', async () => {
    await using engine = await startEngine();
    const image = await starterImage(engine);
    const long = `echo ${'x'.repeat(40)} > /made; head -c 1000 /dev/zero > /zeros`;
    await engine.docker(['run', '--name', 'one', image, 'sh', '-c', long]);
    await engine.docker(['commit', '-m', 'by hand', 'one', 'made:1']);
    await engine.docker(['commit', 'one', 'made:2']);
    await engine.docker(['tag', 'made:1', 'other']);
    const formats = [
      ['made:1'],
      ['--no-trunc', 'made:1'],
      ['-H=false', 'made:1'],
      ['--human=false', '--no-trunc', 'made:1'],
      ['-q', 'made:1'],
      ['-q', '--no-trunc', 'made:1'],
      ['--format', 'json', 'made:1'],
      ['--format', '{{.ID}} {{.CreatedAt}} {{.Size}} {{.Comment}}', 'made:1'],
      ['--format', 'table {{.CreatedBy}}\t{{.Size}}', 'made:1'],
      ['--platform', 'linux/amd64', 'made:1'],
    ];
    for (const args of formats) {
      const [docker, tug] = await Promise.all([engine.docker(['history', ...args]), engine.tug(['history', ...args])]);
      assert.deepEqual([tug.code, timeless(tug.stdout)], [0, timeless(docker.stdout)], args.join(' '));
      assert.notEqual(tug.stdout, '');
    }
    const items = (await engine.api('GET', '/images/made:1/history')).json<
      { Id: string; Size: number; Tags: string[] | null; Created: number; CreatedBy: string; Comment: string }[]
    >();
    assert.deepEqual(
      items.map(({ Id, Tags, CreatedBy, Comment }) => [Id.slice(0, 7), Tags, CreatedBy, Comment]),
      [
        ['sha256:', ['made:1', 'other:latest'], `sh -c ${long}`, 'by hand'],
        ['<missin', null, '', 'Imported from -'],
      ],
    );
    assert.equal(items[0]?.Size, 1041);
    assert.ok(Math.abs((items[0]?.Created ?? 0) - Date.now() / 1000) < 600);
  });

  it('refuses an image that is not there, or not for the platform', async () => {
    await using engine = await startEngine();
    const image = await starterImage(engine);
    const none = await engine.tug(['image', 'history', 'none']);
    assert.deepEqual([none.code, none.stderr], [1, 'Error response from daemon: No such image: none:latest\n']);
    const other = await engine.tug(['history', '--platform', 'linux/arm64', image]);
    assert.match(other.stderr, /does not provide the specified platform \(linux\/arm64\)/);
    assert.equal((await engine.api('GET', `/images/${image}/history?platform=nonsense`)).status, 400);
  });
});
