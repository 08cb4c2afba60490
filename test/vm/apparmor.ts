import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { apparmorActive } from '../../src/host/security-modules.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

// Debian's kernel has AppArmor, and the guest no profiles: a profile that is not loaded shows that the kernel was asked.

let engine: TestEngine;
let image: string;

before(async () => {
  engine = await startEngine({ timeout: 300_000 });
  image = await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

it('AppArmor is active in the guest', () => assert.ok(apparmorActive()));

for (const runtime of ['crun', 'runc']) {
  it(`${runtime} asks the kernel for the profile of a container and of what is run in it`, async () => {
    const run = ['run', '--rm', '--runtime', runtime];
    const show = [image, 'cat', '/proc/self/attr/current'];
    for (const option of [[], ['--security-opt', 'apparmor=unconfined'], ['--privileged']]) {
      const { stdout, stderr } = await engine.tug([...run, ...option, ...show]);
      assert.equal(stdout.trim(), 'unconfined', stderr);
    }
    const missing = await engine.tug([...run, '--security-opt', 'apparmor=no-such-profile', ...show]);
    assert.notEqual(missing.code, 0);
    assert.match(missing.stderr, /apparmor|no-such-profile|No such file/i);
  });
}

it('inspect tells the profile, and info the module', async () => {
  await engine.tug(['create', '--name', 'held', '--security-opt', 'apparmor=web', image]);
  const { AppArmorProfile } = (await engine.api('GET', '/containers/held/json')).json<ContainerInspect>();
  assert.equal(AppArmorProfile, 'web');
  const { stdout } = await engine.tug(['info', '--format', '{{json .SecurityOptions}}']);
  assert.match(stdout, /"name=apparmor"/);
});
