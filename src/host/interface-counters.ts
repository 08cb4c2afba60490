/** What went through a network interface. */
export interface InterfaceCounters {
  readonly received: Counters;
  readonly sent: Counters;
}

export interface Counters {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

/** The interfaces of /proc/PID/net/dev, all but the loopback (proc_pid_net(5)). Two lines of headings come first. */
export function parseNetDev(text: string): Map<string, InterfaceCounters> {
  const interfaces = new Map<string, InterfaceCounters>();
  for (const line of text.split('\n').slice(2)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim();
    if (colon < 0 || name === 'lo') continue;
    const fields = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    interfaces.set(name, { received: countersAt(fields, 0), sent: countersAt(fields, 8) });
  }
  return interfaces;
}

const countersAt = (fields: readonly number[], at: number): Counters => ({
  bytes: fields[at] ?? 0,
  packets: fields[at + 1] ?? 0,
  errors: fields[at + 2] ?? 0,
  dropped: fields[at + 3] ?? 0,
});
