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

/** One record as a container makes it. */
export interface Written {
  readonly time: bigint;
  readonly stream?: 'stdout' | 'stderr';
  readonly text: string;
}

/** What the monitor does with output. `text` without a newline at its end is partial. */
export function appendMonitorLog(file: string, records: readonly Written[]): void {
  fs.appendFileSync(file, records.map(line).join(''));
}

function line({ time, stream = 'stdout', text }: Written): string {
  const stamp = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  const nanoseconds = String(time % 1_000_000_000n).padStart(9, '0');
  const tag = text.endsWith('\n') ? 'F' : 'P';
  return `${stamp}.${nanoseconds}+00:00 ${stream} ${tag} ${text.replace(/\n$/, '')}\n`;
}
