import { messageOf } from '../../../base/errors.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
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
  wouldDo: async ({ flags, args }, _session, compose) =>
    pushed(await compose.project(args), args, flags.bool('include-deps')).map((image) => `Image ${image}  Pushed`),
  run: async ({ flags, args }, session, compose) => {
    for (const image of pushed(await compose.project(args), args, flags.bool('include-deps')))
      try {
        await delegate(imagePush, [...(flags.bool('quiet') ? ['--quiet'] : []), image], session);
      } catch (error) {
        if (!flags.bool('ignore-push-failures')) throw error;
        await session.err.write(`WARN: ${image}: ${messageOf(error)}\n`);
      }
    return 0;
  },
};

/** Images that are built and have a name of their own. */
const pushed = (project: Project, services: readonly string[], dependencies: boolean): string[] =>
  selectServices(project, services, dependencies).flatMap((name) => {
    const { build, image } = project.services[name]!;
    return build && image !== undefined ? [image] : [];
  });
