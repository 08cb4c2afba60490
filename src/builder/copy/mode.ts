import { invalid } from '../../base/errors.ts';

/** What `--chmod` makes of a mode. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

const masks = { u: 0o4700, g: 0o2070, o: 0o1007 } as const;
const bits = { r: 0o444, w: 0o222, x: 0o111 } as const;

/** Reads `--chmod`: octal (`0755`) or the words of chmod(1) (`u=rwX,go+r`). @throws invalid. */
export function parseModeChange(text: string): ModeChange {
  if (/^0?[0-7]{3,4}$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    return () => mode;
  }
  const clauses = text.split(',').map((clause) => parseClause(clause) ?? fail(text));
  return (mode, isDirectory) => clauses.reduce((current, change) => change(current, isDirectory), mode);
}

function fail(text: string): never {
  throw invalid(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`, {
    code: 'bad-mode',
  });
}

function parseClause(text: string): ModeChange | undefined {
  const match = /^([ugoa]*)([=+-])([rwxXst]*)$/.exec(text);
  if (!match) return undefined;
  const [, whom = '', operator = '', what = ''] = match;
  const who = whom === '' || whom.includes('a') ? 0o7777 : [...whom].reduce((all, one) => all | masks[one as 'u'], 0);
  return (mode, isDirectory) => {
    let set = 0;
    for (const letter of what) {
      if (letter === 'X') set |= isDirectory || (mode & 0o111) !== 0 ? 0o111 : 0;
      else if (letter === 's') set |= 0o6000;
      else if (letter === 't') set |= 0o1000;
      else set |= bits[letter as 'r'];
    }
    set &= who;
    if (operator === '+') return mode | set;
    return operator === '-' ? mode & ~set : (mode & ~who) | set;
  };
}
