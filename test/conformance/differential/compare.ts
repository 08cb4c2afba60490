import { mask, maskSentence } from './masks.ts';
import type { Outcome } from './scenario.ts';

/**
 * How an outcome differs from the expected one behind the masks: nothing, one text with both, or, of two JSON values,
 * one line for each field that differs.
 */
export function describeDifferences(expected: Outcome | undefined, given: Outcome | undefined): string[] {
  const [wanted, got] = [show(expected), show(given)];
  if (wanted === got) return [];
  const values = [expected, given].map((outcome) => jsonOf(outcome));
  const comparable = expected?.code === given?.code && values.every((value) => value !== undefined);
  return comparable ? differingFields('', values[0], values[1]) : [`--- dockerd\n${wanted}\n--- instead\n${got}`];
}

function show(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'not run';
  const out = outcome.code >= 400 ? maskSentence(outcome.out) : mask(outcome.out);
  return `${outcome.code}\n${out}${outcome.err === '' ? '' : `[stderr] ${maskSentence(outcome.err)}`}`.trimEnd();
}

function jsonOf(outcome: Outcome | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(outcome?.out ?? '');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `PATH: EXPECTED | GIVEN`, a line for each field; a field that is absent, null, empty or false on both sides is none. */
function differingFields(path: string, expected: unknown, given: unknown): string[] {
  if (isObject(expected) && isObject(given)) {
    const names = [...new Set([...Object.keys(expected), ...Object.keys(given)])].sort();
    return names.flatMap((name) =>
      differingFields(path === '' ? name : `${path}.${name}`, expected[name], given[name]),
    );
  }
  if (isEmpty(expected) && isEmpty(given)) return [];
  const [wanted, got] = [expected, given].map((value) =>
    value === undefined ? 'absent' : mask(JSON.stringify(value, null, 1)).replace(/\s*\n\s*/g, ''),
  );
  const masked = mask(`"${path.split('.').at(-1)}": ${wanted}`) === mask(`"${path.split('.').at(-1)}": ${got}`);
  return wanted === got || masked ? [] : [`${path}: ${wanted} | ${got}`];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** What Go leaves out or writes as null, by the version of the engine. */
const isEmpty = (value: unknown): boolean =>
  [undefined, null, '', 0, false].includes(value as undefined) ||
  (typeof value === 'object' && value !== null && Object.values(value).every(isEmpty));
