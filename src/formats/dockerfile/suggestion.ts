/** How many letters may differ at most. */
const FARTHEST = 2;
const LONGEST_WORD = 64;

/** A message with `(did you mean x?)` where a known name is near the one that was given. */
export function withSuggestion(message: string, given: string, names: readonly string[]): string {
  const near = nearestName(given, names);
  return near === undefined ? message : `${message} (did you mean ${near}?)`;
}

/** The first of the names with the fewest letters changed, added or left out. Undefined when none is near. */
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

/** Levenshtein's distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const following = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      following.push(Math.min(change, (row[j] ?? 0) + 1, (following[j - 1] ?? 0) + 1));
    }
    row = following;
  }
  return row[to.length] ?? 0;
}
