import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startEngine, starterImage } from '../helpers/engine.ts';

// Runs in the guest: overlayfs on idmapped folders, on an older kernel than the host's.

const patience = 300_000;

it('containers have ids of their own, and their files owners without them', { timeout: patience }, async () => {
  const args = ['--userns-remap', '100000-165535'];
  await using engine = await startEngine({ args, mode: 0o711, timeout: patience });
  const image = await starterImage(engine);
  const tug = async (...words: string[]): Promise<string> => {
    const { stdout, stderr } = await engine.tug(words, { timeout: patience });
    return stdout.trim() + stderr;
  };
  const script =
    "tr -s ' ' </proc/self/uid_map; rm /bin/vi; touch /made; chown 5:6 /made; stat -c %u:%g / /bin/ls /made";
  assert.equal(await tug('run', '--name', 'kept', image, 'sh', '-c', script), '0 100000 65536\n0:0\n0:0\n5:6');
  assert.deepEqual((await tug('diff', 'kept')).split('\n').sort(), ['A /made', 'C /bin', 'D /bin/vi']);
  await tug('commit', 'kept', 'kept-image');
  assert.equal(await tug('run', '--rm', '--userns=host', 'kept-image', 'stat', '-c', '%u:%g', '/made'), '5:6');
  const host = ['run', '--rm', '--userns=host', '--privileged', '--network=host', '--pid=host', image];
  assert.equal(await tug(...host, 'sh', '-c', "tr -s ' ' </proc/self/uid_map"), '0 0 4294967295');
});
