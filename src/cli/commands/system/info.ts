import type { InfoResponse } from '../../../api/types/system.ts';
import { messageOf } from '../../../base/errors.ts';
import { tugVersion } from '../../../base/version.ts';
import { info } from '../../../client/calls/system.ts';
import type { Command } from '../../command.ts';
import { formatFlag } from '../../format-flag.ts';
import { describeServer } from './info-text.ts';

export const command: Command = {
  paths: ['system info', 'info'],
  usage: '[OPTIONS]',
  short: 'Show what the engine is and what it has',
  flags: [formatFlag('f')],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const format = flags.string('format');
    let server: InfoResponse | undefined;
    let failure: unknown;
    try {
      server = await info(session.engine);
    } catch (error) {
      failure = error;
    }
    const client = { Debug: false, Version: tugVersion, Context: session.engine.endpoint.context };
    if (format !== '') {
      const { formatOne } = await import('../../output/template.ts');
      const serverErrors = failure === undefined ? {} : { ServerErrors: [messageOf(failure)] };
      await session.out.write(formatOne(format, { ...server, ...serverErrors, ClientInfo: client }));
      return failure === undefined ? 0 : 1;
    }
    await session.out.write(`Client:\n Version:    ${client.Version}\n Context:    ${client.Context}\n\nServer:\n`);
    if (server === undefined) {
      await session.err.write(`${messageOf(failure)}\n`);
      return 1;
    }
    await session.out.write(describeServer(server));
    const warnings = Array.isArray(server['Warnings']) ? (server['Warnings'] as string[]) : [];
    await session.err.write(warnings.map((warning) => `${warning}\n`).join(''));
    return 0;
  },
};
