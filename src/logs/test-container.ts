import fs from 'node:fs';
import type { LoggedContainer } from './contract.ts';

/** A container whose monitor's log is `file`, for tests: whoever writes it does so by name. */
export function testContainer(file: string, more: Partial<LoggedContainer> = {}): LoggedContainer {
  return {
    id: '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    name: 'web',
    imageId: 'sha256:fedcba9876543210',
    imageName: 'nginx:latest',
    created: '2024-02-29T12:00:00.5Z',
    command: ['nginx', '-g', 'daemon off;'],
    labels: {},
    env: [],
    options: {},
    monitorLog: file,
    ended: async () => {},
    reopen() {
      fs.writeFileSync(`${file}.tmp`, '');
      fs.renameSync(`${file}.tmp`, file);
      return true;
    },
    ...more,
  };
}
