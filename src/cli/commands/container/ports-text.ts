import type { PortSummary } from '../../../api/types/container.ts';

/**
 * Published and exposed ports as `tug ps` shows them: `0.0.0.0:80->80/tcp, 443/tcp`; neighbouring ports are drawn
 * together (`8000-8002/tcp`), published ones when both sides go up in step.
 */
export function describePorts(ports: readonly PortSummary[]): string {
  const sorted = ports.toSorted(
    (left, right) =>
      left.PrivatePort - right.PrivatePort ||
      compare(left.IP ?? '', right.IP ?? '') ||
      (left.PublicPort ?? 0) - (right.PublicPort ?? 0) ||
      compare(left.Type, right.Type),
  );
  const published: string[] = [];
  const ranges = new Map<string, Range>();
  const finished: string[] = [];
  for (const port of sorted) {
    const publicPort = port.PublicPort ?? 0;
    if (publicPort !== 0 && publicPort !== port.PrivatePort) {
      published.push(`${address(port.IP)}:${publicPort}->${port.PrivatePort}/${port.Type}`);
      continue;
    }
    const key = `${publicPort === 0 ? '' : (port.IP ?? '')}/${port.Type}`;
    const range = ranges.get(key);
    if (range && port.PrivatePort === range.last + 1) range.last++;
    else if (!range || port.PrivatePort !== range.last) {
      if (range) finished.push(rangeText(range));
      ranges.set(key, {
        ip: publicPort === 0 ? undefined : port.IP,
        type: port.Type,
        first: port.PrivatePort,
        last: port.PrivatePort,
      });
    }
  }
  return [...finished, ...[...ranges.values()].map(rangeText), ...published].join(', ');
}

interface Range {
  readonly ip: string | undefined;
  readonly type: string;
  readonly first: number;
  last: number;
}

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
const address = (ip: string | undefined): string => (ip?.includes(':') ? `[${ip}]` : (ip ?? ''));

function rangeText({ ip, type, first, last }: Range): string {
  const ports = first === last ? String(first) : `${first}-${last}`;
  return ip === undefined ? `${ports}/${type}` : `${address(ip)}:${ports}->${ports}/${type}`;
}
