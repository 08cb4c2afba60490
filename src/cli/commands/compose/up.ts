import { invalid } from '../../../base/errors.ts';
import { prepare, startAll } from '../../../compose/up.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
import { withProfiles } from '../../../formats/compose-file/profiles.ts';
import type { ParsedFlags } from '../../flags.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';
import { originOf } from './origin.ts';
import { upFlags } from './up-flags.ts';
import { checkUpFlags, scaleOf, upOptions } from './up-options.ts';
import { rulesFor } from './watching.ts';

export const command: ComposeCommand = {
  name: 'up',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Create and start the containers of a project',
  flags: upFlags,
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    checkUpFlags(flags, upFlags);
    const opened = await compose.open();
    const scale = scaleOf(flags.list('scale'), opened.project);
    const project = withProfiles(opened.project, opened.source.profiles, args);
    const options = upOptions(flags, project, args, scale, compose.globals.bool('all-resources'));
    const origin = originOf(opened);
    const rules = flags.bool('watch') ? rulesFor(session, project, options.named) : undefined;
    const isDry = compose.globals.bool('dry-run');
    const detached = flags.bool('detach') || flags.bool('wait') || flags.bool('no-start') || isDry;
    const world = await orchestrate(session, compose, project.name, { title: 'Running' }, async (deps) => {
      const made = await prepare(deps, project, origin, opened.source.lookup, options, opened.project);
      if (detached && !flags.bool('no-start')) await startAll(deps, made, options);
      return made;
    });
    if (isDry && !flags.bool('detach'))
      await session.err.write("end of 'compose up' output, interactive run is not supported in dry-run mode\n");
    if (detached) return 0;
    const { lookup } = opened.source;
    const whole = opened.project;
    const up = options;
    const watching = rules && {
      session,
      compose,
      project,
      whole,
      origin,
      lookup,
      up,
      rules,
      prune: true,
      quiet: false,
    };
    const { runAttached } = await import('./up-attached.ts');
    return await runAttached(
      session,
      compose,
      world,
      options,
      attachOptions(flags, project, flags.bool('attach-dependencies') ? options.services : options.named),
      watching,
    );
  },
};

export interface AttachOptions {
  /** The services whose output is shown; undefined for all that are not `attach: false`. */
  readonly services: readonly string[];
  readonly abortOn: 'exit' | 'failure' | undefined;
  readonly exitCodeFrom: string | undefined;
  readonly prefix: boolean;
  readonly colour: boolean;
  readonly timestamps: boolean;
}

function attachOptions(flags: ParsedFlags, project: Project, candidates: readonly string[]): AttachOptions {
  const exitCodeFrom = flags.optional('exit-code-from');
  if (exitCodeFrom !== undefined && !(exitCodeFrom in project.services))
    throw invalid(`no such service: ${exitCodeFrom}`);
  const attached = flags.list('attach');
  const excluded = flags.list('no-attach');
  const shown = candidates.filter((name) => project.services[name]?.attach !== false);
  return {
    services: (attached.length > 0 ? attached : shown).filter((name) => !excluded.includes(name)),
    abortOn: flags.bool('abort-on-container-failure')
      ? 'failure'
      : flags.bool('abort-on-container-exit') || exitCodeFrom !== undefined
        ? 'exit'
        : undefined,
    exitCodeFrom,
    prefix: !flags.bool('no-log-prefix'),
    colour: !flags.bool('no-color'),
    timestamps: flags.bool('timestamps'),
  };
}
