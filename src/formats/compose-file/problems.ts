import { invalid, type TugError } from '../../base/errors.ts';
import type { Place } from './node.ts';

/** `compose.yaml:12:5`. */
export const showPlace = ({ file, line, column }: Place): string => `${file}:${line}:${column}`;

/** A fault of a compose file, with the place it is at. */
export const problem = (place: Place, message: string): TugError =>
  invalid(`${showPlace(place)}: ${message}`, { code: 'compose-file' });

const shownAtMost = 10;

/** Collects the faults of a file, so that all of them can be told at once. */
export class Problems {
  readonly #found: string[] = [];

  add(place: Place, message: string): void {
    const text = `${showPlace(place)}: ${message}`;
    if (!this.#found.includes(text)) this.#found.push(text);
  }

  /** @throws invalid with all of them, a line each. */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const rest = this.#found.length - shownAtMost;
    const shown = this.#found.slice(0, shownAtMost);
    throw invalid([...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n'), { code: 'compose-file' });
  }
}

/** The known name that was most likely meant, or undefined when none is near. */
export function nearestName(given: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(given.length / 3)) + 1;
  const plain = given.toLowerCase().replaceAll('-', '_');
  for (const name of known) {
    const distance = editDistance(plain, name.toLowerCase());
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}

/** A sentence's end: ` (did you mean "x"?)`, or nothing. */
export function didYouMean(given: string, known: Iterable<string>): string {
  const name = given.length > 64 ? undefined : nearestName(given, known);
  return name === undefined ? '' : ` (did you mean "${name}"?)`;
}

/** Insertions, deletions, replacements and swaps of neighbours from one text to the other. */
function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let at = 1; at <= left.length; at++) {
    const next = [at];
    for (let other = 1; other <= right.length; other++) {
      const same = left[at - 1] === right[other - 1];
      let cost = Math.min(next[other - 1]! + 1, row[other]! + 1, row[other - 1]! + (same ? 0 : 1));
      const swapped = at > 1 && other > 1 && left[at - 1] === right[other - 2] && left[at - 2] === right[other - 1];
      if (swapped) cost = Math.min(cost, before[other - 2]! + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[right.length]!;
}
