import type { ProgressMessage } from '../../api/types/image.ts';
import { humanSize } from '../../formats/bytes.ts';
import type { Output } from './output.ts';

const redrawEvery = 80;
const barWidth = 30;

interface Row {
  readonly id: string;
  status: string;
  current: number;
  total: number;
  /** When this status began, and with how many bytes: for the rate. */
  since: number;
  from: number;
}

export interface Bars {
  update(message: ProgressMessage): Promise<void>;
  finish(): Promise<void>;
}

/** A block of rows on a terminal, one for each id in the order they appeared, redrawn in place. */
export function createBars(out: Output, now: () => number = Date.now): Bars {
  const rows = new Map<string, Row>();
  let drawnRows = 0;
  let drawnAt = 0;
  let stale = false;

  const draw = async (): Promise<void> => {
    const width = out.columns ?? 80;
    const lines = [...rows.values()].map((row) => `\r\x1b[2K${rowText(row, now()).slice(0, width - 1)}\n`);
    const up = drawnRows > 0 ? `\x1b[${drawnRows}A` : '';
    drawnRows = rows.size;
    drawnAt = now();
    stale = false;
    await out.write(up + lines.join(''));
  };

  return {
    update: async (message) => {
      const changed = apply(rows, message, now());
      stale = true;
      if (changed || now() - drawnAt >= redrawEvery) await draw();
    },
    finish: async () => {
      if (stale) await draw();
    },
  };
}

/** Takes a message in; true when it is more than another step of the same work. */
function apply(rows: Map<string, Row>, message: ProgressMessage, time: number): boolean {
  const id = message.id ?? '';
  const status = message.status ?? '';
  const { current = 0, total = 0 } = message.progressDetail ?? {};
  const row = rows.get(id);
  if (!row) {
    rows.set(id, { id, status, current, total, since: time, from: current });
    return true;
  }
  const changed = row.status !== status;
  if (changed) Object.assign(row, { since: time, from: current });
  Object.assign(row, { status, current, total });
  return changed;
}

/** `a1b2c3: Downloading [=====>    ] 12.5MB/31.4MB 8.2MB/s`. */
export function rowText(row: Omit<Row, 'id'> & { readonly id: string }, time: number): string {
  const start = `${row.id}: ${row.status}`;
  if (row.current <= 0 && row.total <= 0) return start;
  const seconds = (time - row.since) / 1000;
  const rate = seconds >= 0.5 && row.current > row.from ? ` ${humanSize((row.current - row.from) / seconds, 3)}/s` : '';
  if (row.total <= 0) return `${start} ${humanSize(row.current, 3)}${rate}`;
  const filled = Math.min(barWidth, Math.floor((row.current / row.total) * barWidth));
  const bar = `${'='.repeat(filled)}${filled < barWidth ? '>' : ''}`.padEnd(barWidth);
  return `${start} [${bar}] ${humanSize(row.current, 3)}/${humanSize(row.total, 3)}${rate}`;
}
