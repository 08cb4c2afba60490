// A last word that sticks out by no more than this is left on its line.
const overhang = 5;
const narrowest = 24;

/**
 * Breaks a text at its spaces so that it fits between column `indent` and column `width`; lines after the first
 * are indented. Line breaks in the text stay. Text is not broken where there is no sensible room for it.
 */
export function wrapText(text: string, indent: number, width: number): string {
  const room = width - indent - overhang;
  const margin = `\n${' '.repeat(indent)}`;
  if (room < narrowest) return text.replaceAll('\n', margin);
  return text
    .split('\n')
    .map((line) => wrapLine(line, room).join(margin))
    .join(margin);
}

function wrapLine(line: string, room: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > room + overhang) {
    const space = rest.lastIndexOf(' ', room - 1);
    if (space <= 0) break;
    lines.push(rest.slice(0, space));
    rest = rest.slice(space + 1);
  }
  lines.push(rest);
  return lines;
}
