import { invalid, messageOf, TugError } from '../../../base/errors.ts';
import { imageOf } from '../../../compose/container-request.ts';
import { during } from '../../../compose/deps.ts';
import { forEachLimited } from '../../../compose/graph.ts';
import { findImage } from '../../../compose/project-images.ts';
import { selectServices } from '../../../formats/compose-file/profiles.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';

export const command: ComposeCommand = {
  name: 'pull',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Pull the images of services',
  flags: [
    { long: 'ignore-buildable', kind: 'bool', description: 'Leave out services that can be built' },
    { long: 'ignore-pull-failures', kind: 'bool', description: 'Go on when an image cannot be pulled' },
    { long: 'include-deps', kind: 'bool', description: 'Pull for what the services need too' },
    { long: 'policy', kind: 'string', description: 'missing or always (default always)' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Tell nothing of how it goes' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const policy = flags.string('policy');
    if (!['', 'missing', 'always'].includes(policy))
      throw invalid(`invalid --policy ${JSON.stringify(policy)}: it is missing or always`);
    const project = await compose.project(args);
    const names = selectServices(project, args, flags.bool('include-deps'));
    const images = new Map<string, string | undefined>();
    for (const name of names) {
      const service = project.services[name]!;
      const builds = service.build && (service.image === undefined || flags.bool('ignore-buildable'));
      if (!builds && service.pull_policy !== 'never') images.set(imageOf(project, name, service), service.platform);
    }
    await orchestrate(
      session,
      compose,
      project.name,
      { title: 'Pulling', quiet: flags.bool('quiet'), locked: false },
      (deps) =>
        forEachLimited(
          [...images],
          async ([image, platform]) => {
            const step = { kind: 'Image', name: image } as const;
            if (policy === 'missing' && (await findImage(deps.engine, image)))
              return deps.report({ ...step, text: 'Skipped - Image is already present locally', state: 'done' });
            try {
              await during(deps.report, step, ['Pulling', 'Pulled'], () => deps.pull(image, platform));
            } catch (error) {
              if (!flags.bool('ignore-pull-failures') || !(error instanceof TugError)) throw error;
              deps.warn(`${image}: ${messageOf(error)}`);
            }
          },
          { limit: deps.parallel, signal: deps.signal },
        ),
    );
    return 0;
  },
};
