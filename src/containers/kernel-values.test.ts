import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerConfig, HostConfig } from '../api/types/container.ts';
import { checkKernelValues } from './kernel-values.ts';

const refused = (config: ContainerConfig, host: HostConfig, sentence: RegExp): void =>
  assert.throws(() => checkKernelValues(config, host), { kind: 'invalid', message: sentence });

describe('values for the kernel', () => {
  it('are refused beyond its limits, counted in bytes', () => {
    checkKernelValues({ Hostname: 'h'.repeat(63), Domainname: 'd'.repeat(64), WorkingDir: `/${'w'.repeat(255)}` }, {});
    refused({ Hostname: 'h'.repeat(64) }, {}, /invalid hostname: .* at most 63 bytes/);
    refused({ Hostname: 'é'.repeat(32) }, {}, /invalid hostname/);
    refused({ Domainname: 'd'.repeat(65) }, {}, /invalid domainname/);
    refused({ WorkingDir: `/${'w'.repeat(256)}` }, {}, /invalid path in WorkingDir/);
    refused({}, { MaskedPaths: ['relative'] }, /invalid path in MaskedPaths: "relative" is not absolute/);
    refused({}, { ReadonlyPaths: ['/a'.repeat(2048)] }, /at most 4095 bytes/);
  });

  it("are refused where they would be the host's too", () => {
    const sysctl = (name: string, more: HostConfig = {}): HostConfig => ({ ...more, Sysctls: { [name]: '1' } });
    for (const name of ['net.ipv4.ip_forward', 'kernel.shmmax', 'fs.mqueue.msg_max', 'kernel.domainname'])
      checkKernelValues({}, sysctl(name));
    refused({}, sysctl('vm.swappiness'), /"vm\.swappiness" is not in a separate kernel namespace/);
    refused({}, sysctl('kernel.panic'), /not in a separate kernel namespace/);
    refused({}, sysctl('net.ipv4.ip_forward', { NetworkMode: 'host' }), /not allowed in the host's network namespace/);
    refused({}, sysctl('kernel.shmmax', { IpcMode: 'host' }), /not allowed in the host's IPC namespace/);
  });
});
