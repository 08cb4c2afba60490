import type { Command, Session } from '../../command.ts';
import { parseFlags } from '../../flags.ts';

/** Runs another command as if its line had been typed. */
export async function delegate(command: Command, argv: readonly string[], session: Session): Promise<number> {
  const { flags, args } = parseFlags(command.flags, argv, command.stopAtArgument === true);
  return await command.run({ flags, args }, session);
}

/** `--name value` for an option that was given. */
export const passed = (name: string, value: string | undefined): string[] =>
  value === undefined ? [] : [`--${name}=${value}`];
