import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { starterArchive } from '../../scripts/starter-image.ts';
import type { DataUsage } from '../../src/api/types/system.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { cpuTime } from '../helpers/stats-streams.ts';
import { until } from '../helpers/until.ts';

/** The two are not asked at the same moment: what they say of time is left out. */
const timeless = (text: string): string =>
  text.replace(/(Less than a second|About a minute|\d+ (seconds?|minutes?)) ago/g, 'AGO').replace(/ +/g, ' ');

describe('system df', () => {
  it('counts every byte once, and prints what Docker prints', async () => {
    await using engine = await startEngine();
    const base = await starterImage(engine);
    await engine.docker(['run', '--name', 'one', base, 'sh', '-c', 'head -c 1234 /dev/zero > /z']);
    await engine.docker(['commit', 'one', 'made:1']);
    await engine.docker(['run', '--name', 'two', 'made:1', 'sh', '-c', 'head -c 5000 /dev/zero > /y']);
    await engine.docker(['commit', 'two', 'made:2']);
    await engine.docker(['rm', 'two']);
    await engine.docker([
      'run',
      '-d',
      '--name',
      'three',
      'made:1',
      'sh',
      '-c',
      'head -c 77 /dev/zero > /w; sleep 100000',
    ]);
    const usage = async (query: string) => (await engine.api('GET', `/system/df?${query}`)).json<DataUsage>();
    const { ImageUsage: images, ContainerUsage: containers } = await until(async () => {
      const now = await usage('verbose=1');
      return now.ContainerUsage?.TotalSize === 1234 + 77 && now;
    }, 'all that the containers write to count');
    const size = images?.Items?.find(({ RepoTags }) => RepoTags.includes(base))?.Size ?? 0;
    assert.ok(size > 1_000_000);
    const byName = Object.fromEntries(
      (images?.Items ?? []).map((one) => [one.RepoTags[0], [one.Size, one.SharedSize, one.Containers]]),
    );
    assert.deepEqual(byName, {
      [base]: [size, size, 1],
      'made:1': [size + 1234, size + 1234, 1],
      'made:2': [size + 1234 + 5000, size + 1234, 0],
    });
    assert.deepEqual(
      { ...images, Items: 0 },
      { ActiveCount: 2, TotalCount: 3, Reclaimable: 5000, TotalSize: size + 6234, Items: 0 },
    );
    assert.deepEqual(
      { ...containers, Items: 0 },
      { ActiveCount: 1, TotalCount: 2, Reclaimable: 1234, TotalSize: 1311, Items: 0 },
    );
    const brief = await usage('');
    assert.deepEqual(brief.ImageUsage, { ActiveCount: 2, TotalCount: 3, Reclaimable: 5000, TotalSize: size + 6234 });
    assert.deepEqual(Object.keys(await usage('type=container&type=volume')), ['ContainerUsage', 'VolumeUsage']);
    assert.equal((await engine.api('GET', '/system/df?type=nonsense')).status, 400);

    const pruned = await engine.tug(['image', 'prune', '-af']);
    assert.match(pruned.stdout, /Total reclaimed space: 5kB/, 'what was said to be reclaimable');
  });

  it('prints as Docker does', async () => {
    await using engine = await startEngine();
    const base = await starterImage(engine);
    await engine.docker(['run', '--name', 'one', base, 'sh', '-c', 'head -c 1234 /dev/zero > /z']);
    await engine.docker(['commit', 'one']);
    await engine.docker(['rm', 'one']);
    await engine.docker([
      'create',
      '--name',
      'two',
      '--label',
      'a=b',
      base,
      'sh',
      '-c',
      'a rather long command for a table',
    ]);
    const formats = [
      ['-v'],
      ['--format', 'table {{.Type}}\t{{.TotalCount}}'],
      ['-v', '--format', 'json'],
      ['-v', '--format', '{{range .Images}}{{.Repository}} {{.UniqueSize}}{{end}}'],
    ];
    for (const args of formats) {
      const [docker, tug] = [
        await engine.docker(['system', 'df', ...args]),
        await engine.tug(['system', 'df', ...args]),
      ];
      assert.deepEqual([tug.code, timeless(tug.stdout)], [0, timeless(docker.stdout)], args.join(' '));
    }
    const table = (await engine.tug(['system', 'df'])).stdout;
    assert.match(
      table,
      /^TYPE {12}TOTAL {5}ACTIVE {4}SIZE {6}RECLAIMABLE\nImages {10}2 {9}1 {9}\S+ {3}1\.234kB \(0%\)\n/,
    );
    assert.equal((await engine.tug(['system', 'df', '--format', 'json'])).stdout.trim().split('\n').length, 4);
  });

  it('answers quickly with many images', async () => {
    await using engine = await startEngine();
    const archive = await starterArchive();
    await engine.api('POST', '/images/create?fromSrc=-&repo=many&tag=0', archive);
    await engine.api('POST', '/containers/create?name=one', { Image: 'many:0', Cmd: ['true'] });
    for (let at = 1; at <= 500; at += 1) {
      const made = await engine.api('POST', `/commit?container=one&repo=many&tag=${at}&changes=ENV+N%3D${at}`, {});
      assert.equal(made.status, 201);
    }
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const began = cpuTime(engine.pid);
      const { ImageUsage } = (await engine.api('GET', '/system/df?verbose=1')).json<DataUsage>();
      times.push(cpuTime(engine.pid) - began);
      assert.equal(ImageUsage?.Items?.length, 501);
    }
    const median = times.sort((a, b) => a - b)[2] ?? 0;
    assert.ok(median < 1000, `took ${median} ms of a processor`); // 100 are aimed at; machines that run tests are slow
  });
});
