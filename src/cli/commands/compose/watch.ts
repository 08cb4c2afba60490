import process from 'node:process';
import { prepare, startAll } from '../../../compose/up.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
import { withProfiles } from '../../../formats/compose-file/profiles.ts';
import type { ComposeCommand } from './compose-command.ts';
import { dryRunMark } from './dry-run.ts';
import { orchestrate } from './orchestrate.ts';
import { originOf } from './origin.ts';
import { upOptions } from './up-options.ts';
import { rulesFor, runWatch } from './watching.ts';

export const command: ComposeCommand = {
  name: 'watch',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Keep running services up with the files they are made of',
  flags: [
    { long: 'no-up', kind: 'bool', description: 'Do not build and start the services first' },
    { long: 'prune', kind: 'bool', default: 'true', description: 'Remove images that a rebuild replaced' },
    { long: 'quiet', kind: 'bool', description: 'Tell nothing of builds' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const opened = await compose.open();
    const origin = originOf(opened);
    const { lookup } = opened.source;
    const whole = opened.project;
    const project = builtFirst(withProfiles(whole, opened.source.profiles, args));
    const quiet = flags.bool('quiet');
    const up = { ...upOptions(flags, project, args, new Map(), false, []), quietPull: quiet };
    const rules = rulesFor(session, project, up.named);
    if (!flags.bool('no-up'))
      await orchestrate(session, compose, project.name, { title: 'Running', quiet }, async (deps) => {
        await startAll(deps, await prepare(deps, project, origin, lookup, up, whole), up);
      });
    const controller = new AbortController();
    const giveUp = (): void => controller.abort();
    process.on('SIGINT', giveUp).on('SIGTERM', giveUp);
    const mark = compose.globals.bool('dry-run') ? `${dryRunMark} ` : ' ⦿ ';
    const say = (text: string): Promise<void> => session.out.write(text.replaceAll(/^/gm, mark).concat('\n'));
    await runWatch(
      { session, compose, project, whole, origin, lookup, up, rules, prune: flags.bool('prune'), quiet },
      say,
      controller.signal,
    );
    return 130; // only Ctrl-C ends it
  },
};

/** Services that are watched and can be built are built before the watch, since files may have changed meanwhile. */
const builtFirst = (project: Project): Project => ({
  ...project,
  services: Object.fromEntries(
    Object.entries(project.services).map(([name, service]) => [
      name,
      service.build && service.develop ? { ...service, pull_policy: 'build' } : service,
    ]),
  ),
});
