import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { useEngine } from '../helpers/build.ts';
import { commandLines } from '../helpers/command-lines.ts';

describe('system prune', { concurrency: false }, () => {
  const { engine, base } = useEngine();

  /** A container that runs, one that has ended, and an image without a name that only the ended one uses. */
  const prepare = async (): Promise<{ ended: string; dangling: string }> => {
    await engine.docker(['rm', '-f', 'runs', 'first', 'ended']);
    await engine.docker(['run', '-d', '--name', 'runs', '--network', 'none', base, 'sleep', '100000']);
    const write = ['sh', '-c', 'head -c 1234 /dev/zero > /z'];
    await engine.docker(['run', '--name', 'first', '--network', 'none', base, ...write]);
    const dangling = (await engine.docker(['commit', 'first'])).stdout.trim();
    await engine.docker(['rm', 'first']);
    await engine.docker(['run', '--name', 'ended', '--label', 'old', '--network', 'none', dangling, ...write]);
    const ended = (await engine.docker(['ps', '-aqf', 'name=ended', '--no-trunc'])).stdout.trim();
    return { ended, dangling };
  };
  const left = async (): Promise<string[]> => [
    ...(await engine.docker(['ps', '-a', '--format', '{{.Names}}'])).stdout.trim().split('\n'),
    ...(await engine.docker(['images', '-a', '--format', '{{.Repository}}'])).stdout.trim().split('\n').sort(),
  ];

  for (const name of commandLines) {
    it(`removes what is not used, and says what, by ${name}`, async () => {
      const { ended, dangling } = await prepare();
      const preview = (await engine.tug(['system', 'prune', '--dry-run'])).stdout;
      assert.deepEqual(await left(), ['ended', 'runs', '<none>', 'busybox']);
      const pruned = await engine[name](['system', 'prune'], { input: 'y\n' });
      assert.equal(pruned.code, 0, pruned.stderr);
      const [asked, said = ''] = pruned.stdout.split('[y/N] ');
      const networks = name === 'docker' ? '  - all networks not used by at least one container\n' : '';
      const cache = name === 'docker' ? '  - unused build cache\n' : '';
      const warning = `WARNING! This will remove:\n  - all stopped containers\n${networks}  - all dangling images\n${cache}`;
      assert.equal(asked, `${warning}\nAre you sure you want to continue? `);
      assert.match(said, new RegExp(`^Deleted Containers:\n${ended}\n\nDeleted Images:\ndeleted: ${dangling}\n`));
      assert.match(said, /\n\nTotal reclaimed space: 2\.468kB\n$/);
      const words = preview.replaceAll(/(Containers|Images) to delete/g, 'Deleted $1');
      assert.equal(words.replace('Total space to reclaim', 'Total reclaimed space'), said);
      assert.deepEqual(await left(), ['runs', 'busybox']);
    });
  }

  it('takes Docker’s filters and asks before, in its words', async () => {
    await prepare();
    const asked = async (name: (typeof commandLines)[number], ...args: string[]) => {
      const { code, stdout, stderr } = await engine[name](['system', 'prune', ...args], { input: 'n\n' });
      // lines of what this engine does not have
      return {
        code,
        stderr,
        stdout: stdout.replace(/ {2}- all networks.*\n/, '').replace(/ {2}- .*build cache\n/, ''),
      };
    };
    for (const args of [[], ['-a'], ['--filter', 'until=1h', '--filter', 'label=x', '--filter', 'label!=y']]) {
      const [own, docker] = await Promise.all([asked('tug', ...args), asked('docker', ...args)]);
      assert.deepEqual(own, docker);
    }
    for (const name of commandLines) {
      const kept = await engine[name](['system', 'prune', '-af', '--filter', 'label=other']);
      assert.deepEqual([kept.code, kept.stdout], [0, 'Total reclaimed space: 0B\n'], kept.stderr);
      const wrong = await engine[name](['system', 'prune', '-f', '--filter', 'colour=red']);
      assert.deepEqual([wrong.code, wrong.stderr], [1, "Error response from daemon: invalid filter 'colour'\n"]);
    }
    const only = await engine.tug(['system', 'prune', '-f', '--filter', 'label=old']);
    assert.match(only.stdout, /^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: 1\.234kB\n$/);
    const all = await engine.tug(['system', 'prune', '-a', '--dry-run']);
    assert.match(all.stdout, /^Images to delete:\ndeleted: /, 'what a container runs from stays');
    const volumes = await engine.tug(['system', 'prune', '--volumes']);
    assert.match(volumes.stdout, /all anonymous volumes not used by at least one container/);
  });

  it('answers 400 to filters that are none', async () => {
    for (const target of [
      '/networks/prune?filters={"colour":["red"]}',
      '/networks/prune?filters={"until":["never"]}',
      '/build/prune?filters=x',
    ]) {
      const { status, text } = await engine.api('POST', encodeURI(target));
      assert.equal(status, 400, text);
    }
  });
});
