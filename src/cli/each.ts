import { messageOf } from '../base/errors.ts';
import type { Session } from './command.ts';
import { CommandFailure } from './exit-codes.ts';

const atOnce = 50;

/**
 * Does the same to several objects, up to 50 at a time, and prints each one's name (or what `act` returns, nothing for null) in the
 * order of the line. What fails does not keep the others from being done.
 * @throws CommandFailure with all failures, a line each.
 */
export async function forEach(
  session: Session,
  names: readonly string[],
  act: (name: string) => Promise<string | null | undefined>,
): Promise<number> {
  const failures: string[] = [];
  for (let from = 0; from < names.length; from += atOnce) {
    const outcomes = names.slice(from, from + atOnce).map(async (name) => ({ said: await act(name), name }));
    const settled = outcomes.map((outcome) => outcome.catch((error: unknown) => ({ failure: messageOf(error) })));
    for (const one of settled) {
      const outcome = await one;
      if ('failure' in outcome) failures.push(outcome.failure);
      else if (outcome.said !== null) await session.out.write(`${outcome.said ?? outcome.name}\n`);
    }
  }
  if (failures.length > 0) throw new CommandFailure(failures.join('\n'), 1);
  return 0;
}
