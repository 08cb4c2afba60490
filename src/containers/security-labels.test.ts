import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostConfig } from '../api/types/container.ts';
import type { SelinuxLabels } from '../runtime/spec/selinux.ts';
import { newLabels, relabelSource, requireProfile } from './security-labels.ts';
import type { ContainerStore } from './store.ts';

const policy = { process: 'u:r:container_t:s0', file: 'u:object_r:container_file_t:s0' };
const recorded = new Map<string, { labels: SelinuxLabels }>();
const store = { all: () => [...recorded.values()], get: (id: string) => recorded.get(id) } as unknown as ContainerStore;
const labels = (host: HostConfig) => newLabels({ selinux: policy, store }, host);

describe('the labels of a new container', () => {
  it('are its own, but for one that shares processes or IPC with another', () => {
    const [one, two] = [labels({}), labels({})];
    assert.ok(one && two && one.process !== two.process);
    recorded.set('one', { labels: one }).set('two', { labels: two });
    assert.deepEqual(labels({ PidMode: 'container:one' }), one);
    assert.throws(() => labels({ PidMode: 'container:one', IpcMode: 'container:two' }), /labels aren't the same/);
    assert.match(labels({ SecurityOpt: ['label=type:web_t'] })?.process ?? '', /^u:r:web_t:s0:c/);
  });

  it('do not confine what is the host, or privileged', () => {
    for (const host of [{ Privileged: true }, { PidMode: 'host' }, { IpcMode: 'host' }])
      assert.equal(labels(host)?.process, '');
    assert.equal(newLabels({ selinux: undefined, store }, {}), undefined);
  });
});

it('the default AppArmor profile is loaded when it is missing, and another that is missing is refused', async () => {
  const loaded = new Set(['web']);
  const apparmor = {
    defaultProfile: 'docker-default',
    has: (profile: string) => loaded.has(profile),
    load: async () => void loaded.add('docker-default'),
  };
  await requireProfile(apparmor, 'web', 'create');
  await requireProfile(apparmor, undefined, 'create');
  await requireProfile(undefined, 'gone', 'create');
  assert.equal(loaded.size, 1);
  await requireProfile(apparmor, 'docker-default', 'exec');
  assert.equal(loaded.size, 2);
  const words =
    /^OCI runtime exec failed: runc exec failed: .*: unable to apply apparmor profile: apparmor failed to apply profile: write .*\/exec: no such file or directory: .*"gone" is not loaded/;
  await assert.rejects(requireProfile(apparmor, 'gone', 'exec'), { kind: 'invalid', message: words });
});

it('only :z and :Z relabel, and only where there are labels', async () => {
  await relabelSource({ label: 'u:r:t:s0:c1,c2' }, '/etc', 'ro,rprivate');
  await relabelSource({}, '/etc', 'z');
  await assert.rejects(relabelSource({ label: 'u:r:t:s0:c1,c2' }, '/etc', 'ro,Z'), /not allowed/);
});
