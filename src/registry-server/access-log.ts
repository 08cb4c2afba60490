import type { RequestRecord } from './contract.ts';

export interface AccessLogOptions {
  readonly format: 'text' | 'json';
  /** On every line of JSON. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly write: (line: string) => void;
  readonly now?: () => Date;
}

/**
 * Writes a line for each request: the combined format of Apache (mod_log_config), or JSON. Nothing of a client can
 * break a line, and no header but the agent's is written, so that no credential is.
 */
export function createAccessLog({ format, fields, write, now = () => new Date() }: AccessLogOptions) {
  return (record: RequestRecord): void =>
    write(format === 'json' ? jsonLine(record, fields, now()) : combinedLine(record, now()));
}

function jsonLine(record: RequestRecord, fields: AccessLogOptions['fields'], time: Date): string {
  const { id, addr, user, method, path, route, status, bytesIn, bytesOut, seconds, agent } = record;
  const duration = Math.round(seconds * 1e6) / 1e6;
  const told = { addr, user, method, path: withoutSecrets(path), route, status, bytesIn, bytesOut, duration, agent };
  return `${JSON.stringify({ time: time.toISOString(), level: 'info', msg: 'request', id, ...told, ...fields })}\n`;
}

function combinedLine({ addr, user, method, path, status, bytesOut, agent }: RequestRecord, time: Date): string {
  const line = quoted(`${method} ${withoutSecrets(path)} HTTP/1.1`);
  const host = addr.replace(/:\d+$/, '');
  return `${host || '-'} - ${word(user) || '-'} [${apacheTime(time)}] ${line} ${status} ${bytesOut} "" ${quoted(agent)}\n`;
}

/** Upload states are signed by the server and would let their reader go on with an upload. */
const withoutSecrets = (path: string): string => path.replace(/([?&]_state=)[^&]*/g, '$1...');

const quoted = (text: string): string => `"${printable(text.replace(/["\\]/g, '\\$&'))}"`;
const word = (text: string): string => printable(text).replace(/[\s"]/g, '_');
const printable = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (found) => `\\x${found.charCodeAt(0).toString(16).padStart(2, '0')}`);

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `02/Jan/2026:03:04:05 +0000` */
function apacheTime(time: Date): string {
  const [date = '', clock = ''] = time.toISOString().split('T');
  const [year, , day] = date.split('-');
  return `${day}/${months[time.getUTCMonth()]}/${year}:${clock.slice(0, 8)} +0000`;
}
