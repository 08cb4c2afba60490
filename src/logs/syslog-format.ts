import { hostname } from 'node:os';
import { invalid } from '../base/errors.ts';
import { formatRfc3339Nano } from '../formats/timestamp.ts';
import type { OutputLine } from './forwarding.ts';

/** RFC 5424, table 1, by the names of syslog(3). */
const facilities = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
];
const firstLocal = 16;
const [errorSeverity, infoSeverity] = [3, 6];

/** The number of a facility: a name, or a number from 0 to 23; `daemon` by default. @throws invalid. */
export function parseFacility(text: string | undefined): number {
  if (!text) return facilities.indexOf('daemon');
  const named = facilities.indexOf(text);
  if (named >= 0) return named;
  const local = /^local([0-7])$/.exec(text)?.[1];
  if (local !== undefined) return firstLocal + Number(local);
  if (/^\d+$/.test(text) && Number(text) <= 23) return Number(text);
  throw invalid('invalid syslog facility');
}

export type SyslogFormat = '' | 'rfc3164' | 'rfc5424' | 'rfc5424micro';

/** @throws invalid in Docker's words. */
export function parseFormat(text: string | undefined): SyslogFormat {
  const format = text ?? '';
  if (format === '' || format === 'rfc3164' || format === 'rfc5424' || format === 'rfc5424micro') return format;
  throw invalid('Invalid syslog format');
}

/** Turns lines into messages, each with a newline at its end. The process id is the engine's, as in Docker. */
export function createSyslogFormatter(format: SyslogFormat, facility: number, tag: string) {
  const host = hostname();
  return ({ text, stderr, time }: OutputLine): Buffer => {
    const priority = facility * 8 + (stderr ? errorSeverity : infoSeverity);
    return Buffer.concat([Buffer.from(head(format, priority, time, host, tag)), text, newline]);
  };
}

const newline = Buffer.from('\n');

function head(format: SyslogFormat, priority: number, time: bigint, host: string, tag: string): string {
  const { pid } = process;
  switch (format) {
    case '':
      return `<${priority}>${stamp(time)} ${tag}[${pid}]: `;
    case 'rfc3164':
      return `<${priority}>${stamp(time)} ${host} ${tag}[${pid}]: `;
    case 'rfc5424':
      return `<${priority}>1 ${formatRfc3339Nano(time - (time % 1_000_000_000n))} ${host} ${tag} ${pid} ${tag} - `;
    case 'rfc5424micro':
      return `<${priority}>1 ${formatRfc3339Nano(time, 'fixed').slice(0, -4)}Z ${host} ${tag} ${pid} ${tag} - `;
  }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Jan  2 15:04:05` in the machine's own zone. */
function stamp(time: bigint): string {
  const date = new Date(Number(time / 1_000_000n));
  return `${months[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${date.toTimeString().slice(0, 8)}`;
}
