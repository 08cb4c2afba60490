import type { LineRange } from './types.ts';

const RULE = '-'.repeat(20);

/**
 * The lines of a file with those of interest marked `>>>` and some around them, as Docker shows where a warning or a
 * failed step comes from.
 */
export function formatExcerpt(fileName: string, lines: readonly string[], range: LineRange): string {
  // The empty text behind the last newline counts as a line.
  const all = [...lines, ''];
  if (range.first < 1 || range.first > all.length) return '';
  const last = Math.min(range.last, all.length);
  const around = last === range.first ? 2 : 1;
  let text = `${fileName}:${range.first}\n${RULE}\n`;
  for (let line = Math.max(1, range.first - around); line <= Math.min(all.length, last + around); line += 1) {
    const mark = line >= range.first && line <= last ? '>>>' : '   ';
    text += ` ${String(line).padStart(3)} | ${mark} ${(all[line - 1] ?? '').replace(/\r$/, '')}\n`;
  }
  return `${text}${RULE}\n`;
}
