import { invalid, messageOf } from '../base/errors.ts';
import { formatUnixTimestamp, parseTimestamp } from '../formats/timestamp.ts';

/** What the engine is to be told of a time, such as `10m` or a date; undefined for an empty text. @throws invalid, naming the option. */
export function flagTime(option: string, text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return formatUnixTimestamp(parseTimestamp(text, { now: BigInt(Date.now()) * 1_000_000n }));
  } catch (error) {
    throw invalid(`invalid value for "${option}": ${messageOf(error)}`, { cause: error });
  }
}
