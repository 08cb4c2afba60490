import type { Command } from '../../command.ts';
import { terminalSize } from '../../terminal/input.ts';
import { createContainer } from './create-container.ts';
import { asCreateFailure } from './create-failure.ts';
import { createFlags } from './create-flags.ts';
import { type CreatePlan, planContainer } from './create-request.ts';

export const command: Command = {
  paths: ['container create', 'create'],
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  short: 'Create a container without starting it',
  flags: createFlags,
  args: { min: 1 },
  stopAtArgument: true,
  run: async ({ flags, args }, session) => {
    let plan: CreatePlan;
    try {
      plan = planContainer(flags, args, session.env, { detached: false, consoleSize: terminalSize() });
    } catch (error) {
      throw asCreateFailure(error, 'create');
    }
    const id = await createContainer(session, flags, plan);
    await session.out.write(`${id}\n`);
    return 0;
  },
};
