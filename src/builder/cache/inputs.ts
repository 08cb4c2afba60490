import type { BuildStep } from '../contract.ts';
import { keyOf } from './keys.ts';

/** What a step works on, part by part: what a part is called, and a mark that changes with it. */
export type StepInputs = Readonly<Record<string, string>>;

/** The part that stands for everything before the step. */
export const filesBelow = 'what it stands on';
/** Parts of this kind are files that are copied. */
export const filePart = (name: string): string => `file ${name}`;
/** Of so many files each is told by its name; of more only that some changed. */
export const mostFileParts = 500;
export const copiedFiles = 'the copied files';

/** A step's place: the same in two versions of a Dockerfile, as long as nothing was put in before it. */
export const slotOf = ({ label, text }: BuildStep): string =>
  keyOf(label.replace(/\/\d+\]$/, ''), text.split(' ', 1)[0] ?? '');

/** A mark of anything, which tells nothing of it: it may be a secret. */
export const markOf = (value: unknown): string => keyOf(value).slice(0, 16);

const mostNamed = 5;

/**
 * Says why a step could not be taken from the cache, by what it worked on the times before, the latest first: of those
 * the most alike counts.
 */
export function whyDone(before: readonly StepInputs[], now: StepInputs): string {
  const compared = before.map((inputs) => differences(inputs, now));
  const closest = compared.reduce<string[] | undefined>(
    (best, one) => (best === undefined || one.length < best.length ? one : best),
    undefined,
  );
  if (closest === undefined) return 'it was not done before';
  if (closest.length === 0) return 'what it made was removed from the cache';
  const told = closest.slice(0, mostNamed);
  const more = closest.length - told.length;
  return `${told.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}

function differences(before: StepInputs, now: StepInputs): string[] {
  const names = [...new Set([...Object.keys(now), ...Object.keys(before)])].sort();
  const found = names.flatMap((name) => {
    const [old, own] = [before[name], now[name]];
    if (old === own) return [];
    if (name === filesBelow) return ['a step before it was done again'];
    return [`${name} ${old === undefined ? 'is new' : own === undefined ? 'is gone' : 'changed'}`];
  });
  return found.sort((a, b) => Number(b.startsWith('a step')) - Number(a.startsWith('a step')));
}
