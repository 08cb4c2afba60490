import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageNode } from '../../src/api/types/image.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';

describe('images --tree and image diff', () => {
  it('tell which images build on which, what they share and who uses them', async () => {
    await using engine = await startEngine();
    const base = await starterImage(engine);
    const grow = async (from: string, to: string, bytes: number) => {
      await engine.docker(['run', '--name', 'tmp', from, 'sh', '-c', `head -c ${bytes} /dev/zero > /f${bytes}`]);
      await engine.docker(['commit', 'tmp', to]);
      await engine.docker(['rm', 'tmp']);
    };
    await grow(base, 'app:1', 1000);
    await grow('app:1', 'app:2', 2000);
    await grow(base, 'web:1', 3000);
    await engine.docker(['create', '--name', 'idle', 'app:2']);
    await engine.docker(['commit', '-c', 'ENV only=config', 'idle', 'app:2-config']);
    await engine.docker(['tag', 'web:1', 'web:again']);
    await engine.docker(['create', '--name', 'busy', 'app:2']);

    const nodes = (await engine.api('GET', '/images/tree')).json<ImageNode[]>();
    const ids = new Map(nodes.map(({ Id, RepoTags }) => [Id, RepoTags[0]]));
    const size = nodes.find(({ RepoTags }) => RepoTags[0] === base)?.Size ?? 0;
    assert.deepEqual(
      nodes.map((node) => [
        ...[node.RepoTags[0], ids.get(node.Parent), node.Size - size, node.OwnSize, node.SharedSize - size],
        node.Containers.join(),
      ]),
      [
        ['app:1', base, 1000, 1000, 1000, ''],
        ['app:2', 'app:1', 3000, 2000, 3000, 'idle,busy'],
        ['app:2-config', 'app:2', 3000, 0, 3000, ''],
        [base, undefined, 0, size, 0, ''],
        ['web:1', base, 3000, 3000, 0, ''],
      ],
    );
    const tree = await engine.tug(['images', '--tree']);
    const first = tree.stdout.split('\n').map((line) => line.replace(/ {2,}(?:[0-9a-f]{12} |IMAGE ID).*/, ''));
    assert.deepEqual(first.slice(0, 6), [
      'IMAGE',
      base,
      '├─ app:1',
      '│  └─ app:2',
      '│     └─ app:2-config',
      '└─ web:1',
    ]);
    assert.match(tree.stdout, /web:again/);
    assert.match(tree.stdout, /app:2 .* idle,busy$/m);
    const quiet = await engine.tug(['images', '--tree', '-q']);
    assert.deepEqual([quiet.code, quiet.stderr], [1, '--quiet is not yet supported with --tree\n']);
  });

  it('compare two images by content and configuration', async () => {
    await using engine = await startEngine();
    const base = await starterImage(engine);
    const script = `mkdir /d; echo 1 > /d/a; echo 2 > /d/b; echo 3 > /d/c; chmod 600 /d/c`;
    await engine.docker(['run', '--name', 'one', base, 'sh', '-c', script]);
    await engine.docker(['commit', '-c', 'ENV A=1', 'one', 'left']);
    const other = `rm /d/b; echo 9 > /d/a; touch -d '2001-01-01' /d/c; mkdir /d/new; echo x > /d/new/x; cat /bin/true > /t; mv /t /bin/true`;
    await engine.docker(['run', '--name', 'two', 'left', 'sh', '-c', other]);
    await engine.docker(['commit', '-c', 'ENV A=2 B=3', '-c', 'CMD ["x"]', 'two', 'right']);
    const files = await engine.tug(['image', 'diff', '--files', 'left', 'right']);
    assert.equal(files.stderr, '');
    assert.deepEqual(
      files.stdout.split('\n').filter((line) => !line.includes('/bin')),
      ['C /d/a', 'D /d/b', 'A /d/new', 'A /d/new/x', ''],
    );
    const whole = await engine.tug(['image', 'diff', 'left', 'right']);
    assert.match(whole.stdout, /^- Cmd \["sh","-c",.*\n\+ Cmd \["x"\]\n- Env \["A=1"\]\n\+ Env \["A=2","B=3"\]\n/);
    const back = await engine.tug(['image', 'diff', '--files', 'right', 'left']);
    assert.match(back.stdout, /A \/d\/b\nD \/d\/new\n/);
    assert.equal((await engine.tug(['image', 'diff', 'left', 'left'])).stdout, '');
    const none = await engine.tug(['image', 'diff', 'left', 'none']);
    assert.deepEqual([none.code, none.stderr], [1, 'Error response from daemon: No such image: none:latest\n']);
    assert.equal((await engine.api('GET', '/images/left/changes')).status, 400);
  });
});
