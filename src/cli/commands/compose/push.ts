import { messageOf } from '../../../base/errors.ts';
import { imageOf } from '../../../compose/container-request.ts';
import { selectServices } from '../../../formats/compose-file/profiles.ts';
import { command as imagePush } from '../image/push.ts';
import type { ComposeCommand } from './compose-command.ts';
import { delegate } from './delegate.ts';

export const command: ComposeCommand = {
  name: 'push',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Push the images of services that are built',
  flags: [
    { long: 'ignore-push-failures', kind: 'bool', description: 'Go on when an image cannot be pushed' },
    { long: 'include-deps', kind: 'bool', description: 'Push for what the services need too' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Tell nothing of how it goes' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const project = await compose.project(args);
    for (const name of selectServices(project, args, flags.bool('include-deps'))) {
      const service = project.services[name]!;
      if (!service.build || service.image === undefined) continue;
      const image = imageOf(project, name, service);
      try {
        await delegate(imagePush, [...(flags.bool('quiet') ? ['--quiet'] : []), image], session);
      } catch (error) {
        if (!flags.bool('ignore-push-failures')) throw error;
        await session.err.write(`WARN: ${image}: ${messageOf(error)}\n`);
      }
    }
    return 0;
  },
};
