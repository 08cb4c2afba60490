/** How many letters may differ at most. */
const FARTHEST = 2;
const LONGEST_WORD = 64;

/** A message with `(did you mean x?)` where a known name is near the one that was given. */
export function withSuggestion(message: string, given: string, names: readonly string[]): string {
  const near = nearestName(given, names);
  return near === undefined ? message : `${message} (did you mean ${near}?)`;
}

/** The first of the names with the fewest letters changed, added, left out or swapped. Undefined when none is near. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  if (given.length > LONGEST_WORD || names.includes(given)) return undefined;
  let best: string | undefined;
  let least = FARTHEST + 1;
  for (const name of names) {
    if (Math.abs(name.length - given.length) >= least) continue;
    const distance = editDistance(given, name);
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}

/** Letters changed, added, left out or swapped with their neighbour (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const following = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swap = swapped ? (before[j - 2] ?? 0) + 1 : change;
      following.push(Math.min(change, swap, (row[j] ?? 0) + 1, (following[j - 1] ?? 0) + 1));
    }
    before = row;
    row = following;
  }
  return row[to.length] ?? 0;
}
