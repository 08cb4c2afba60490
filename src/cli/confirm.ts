import type { Session } from './command.ts';
import { standardInput } from './terminal/input.ts';

/** Asks before something is removed. False for any answer but `y`, also where there is nobody to ask. */
export async function confirm(session: Session, warning: string): Promise<boolean> {
  await session.out.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  let answer = '';
  for await (const chunk of standardInput().chunks()) {
    answer += Buffer.from(chunk).toString();
    if (answer.includes('\n')) break;
  }
  return /^\s*y\s*$/i.test(answer.split('\n')[0] ?? '');
}
