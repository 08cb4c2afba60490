import { quoteGo } from './go-quote.ts';

/** How the engine tells a container's command in one string: arguments with a blank stand in single quotes. */
export function joinCommand(path: string, args: readonly string[]): string {
  return [path, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
}

/** The COMMAND column of `ps`: in double quotes, cut to 20 columns unless the whole is wanted. */
export function formatCommand(command: string, whole = false): string {
  return quoteGo(whole ? command : ellipsis(command, 20));
}

/** At most `columns` terminal columns of text; what is cut ends with `…`. */
export function ellipsis(text: string, columns: number): string {
  const characters = [...text];
  const width = characters.reduce((sum, character) => sum + columnsOf(character), 0);
  if (width <= columns) return text;
  let kept = '';
  let used = 0;
  for (const character of characters) {
    used += columnsOf(character);
    if (used > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

const wide =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** 2 for East Asian wide characters, else 1. */
export function columnsOf(character: string): 1 | 2 {
  return wide.test(character) ? 2 : 1;
}
