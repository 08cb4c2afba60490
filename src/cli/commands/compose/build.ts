import { imageOf } from '../../../compose/container-request.ts';
import { during } from '../../../compose/deps.ts';
import { inOrder } from '../../../compose/graph.ts';
import { basesOf } from '../../../compose/project-images.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
import { selectServices } from '../../../formats/compose-file/profiles.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';

export const command: ComposeCommand = {
  name: 'build',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Build the images of services',
  flags: [
    { long: 'build-arg', kind: 'list', description: 'Value of a build argument (NAME=VALUE)' },
    { long: 'no-cache', kind: 'bool', description: 'Build without what earlier builds left' },
    { long: 'pull', kind: 'bool', description: 'Pull base images even if they are there' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Do not print what the build says' },
    { long: 'with-dependencies', kind: 'bool', description: 'Build what the services need too' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const project = await compose.project(args);
    const names = withBases(project, selectServices(project, args, flags.bool('with-dependencies'))).filter(
      (name) => project.services[name]?.build,
    );
    await orchestrate(session, compose, project.name, { title: 'Building', quiet: flags.bool('quiet') }, (deps) =>
      inOrder(
        names,
        (name) => basesOf(project, name),
        async (name) => {
          const service = project.services[name]!;
          const image = imageOf(project, name, service);
          await during(deps.report, { kind: 'Image', name: image }, ['Building', 'Built'], () =>
            deps.build({
              service: name,
              image,
              model: service,
              project,
              noCache: flags.bool('no-cache'),
              pull: flags.bool('pull'),
              args: flags.list('build-arg'),
              quiet: flags.bool('quiet'),
            }),
          );
        },
        { limit: deps.parallel, signal: deps.signal },
      ),
    );
    return 0;
  },
};

/** With the services that they are built from. */
function withBases(project: Project, names: readonly string[]): string[] {
  const all = new Set(names);
  for (const name of all) for (const base of basesOf(project, name)) all.add(base);
  return [...all];
}
