import { messageOf, TugError } from '../base/errors.ts';
import { commands } from './commands.ts';

/** tug-registry: `serve`, and what cares for a registry's content. Resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  try {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command) return await command(rest);
    process.stderr.write(`tug-registry: "${name}" is none of its commands: ${Object.keys(commands).join(', ')}\n`);
  } catch (error) {
    const known = error instanceof TugError && error.kind !== 'internal';
    process.stderr.write(`tug registry: ${known || !(error instanceof Error) ? messageOf(error) : error.stack}\n`);
  }
  return 1;
}
