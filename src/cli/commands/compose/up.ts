import { invalid } from '../../../base/errors.ts';
import { prepare, startAll, type UpOptions } from '../../../compose/up.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
import { selectServices, withProfiles } from '../../../formats/compose-file/profiles.ts';
import type { ParsedFlags } from '../../flags.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';
import { originOf } from './origin.ts';
import { upFlags } from './up-flags.ts';

export const command: ComposeCommand = {
  name: 'up',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Create and start the containers of a project',
  flags: upFlags,
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    checkFlags(flags);
    const opened = await compose.open();
    const scale = scaleOf(flags.list('scale'), opened.project);
    const project = withProfiles(opened.project, opened.source.profiles, args);
    const options = optionsOf(flags, project, args, scale);
    const origin = originOf(opened);
    const detached = flags.bool('detach') || flags.bool('wait') || flags.bool('no-start');
    const world = await orchestrate(session, compose, project.name, { title: 'Running' }, async (deps) => {
      const made = await prepare(deps, project, origin, opened.source.lookup, options, opened.project);
      if (detached && !flags.bool('no-start')) await startAll(deps, made, options);
      return made;
    });
    if (detached) return 0;
    const { runAttached } = await import('./up-attached.ts');
    return await runAttached(
      session,
      compose,
      world,
      options,
      attachOptions(flags, project, flags.bool('attach-dependencies') ? options.services : options.named),
    );
  },
};

/** @throws invalid for flags that contradict each other. */
function checkFlags(flags: ParsedFlags): void {
  const together = (one: string, other: string): void => {
    if (flags.given(one) && flags.given(other)) throw invalid(`--${one} and --${other} are incompatible`);
  };
  together('build', 'no-build');
  together('force-recreate', 'no-recreate');
  together('detach', 'attach');
  together('always-recreate-deps', 'no-recreate');
  for (const name of ['abort-on-container-exit', 'abort-on-container-failure', 'exit-code-from', 'attach-dependencies'])
    if (flags.given(name) && (flags.bool('detach') || flags.bool('wait')))
      throw invalid(`--${flags.bool('detach') ? 'detach' : 'wait'} cannot be combined with --${name}`);
}

function scaleOf(given: readonly string[], project: Project): Map<string, number> {
  return new Map(
    given.map((text) => {
      const [name = '', count = ''] = text.split('=');
      if (!(name in project.services)) throw invalid(`no such service: ${name}`);
      if (!/^\d+$/.test(count)) throw invalid(`invalid --scale option ${JSON.stringify(text)}. Should be SERVICE=NUM`);
      if (Number(count) > 1 && project.services[name]?.container_name !== undefined)
        throw invalid(`services.${name}: can't scale a service that has a container_name, which is unique`);
      return [name, Number(count)] as const;
    }),
  );
}

function optionsOf(
  flags: ParsedFlags,
  project: Project,
  named: readonly string[],
  scale: ReadonlyMap<string, number>,
): UpOptions {
  const services = selectServices(project, named, !flags.bool('no-deps'));
  const pull = flags.string('pull') || 'policy';
  if (!['always', 'missing', 'never', 'policy', 'build'].includes(pull))
    throw invalid(`invalid --pull option ${JSON.stringify(pull)}: it is always, missing, never or policy`);
  return {
    services,
    named: named.length > 0 ? named : services,
    pull: pull as UpOptions['pull'],
    build: flags.bool('build') || pull === 'build',
    noBuild: flags.bool('no-build'),
    forceRecreate: flags.bool('force-recreate'),
    noRecreate: flags.bool('no-recreate'),
    alwaysRecreateDeps: flags.bool('always-recreate-deps'),
    scale,
    removeOrphans: flags.bool('remove-orphans'),
    ignoreOrphans: false,
    renewVolumes: flags.bool('renew-anon-volumes'),
    timeout: flags.given('timeout') ? flags.int('timeout') : undefined,
    wait: flags.bool('wait'),
    waitTimeout: flags.given('wait-timeout') ? flags.int('wait-timeout') : 0,
    allResources: false,
  };
}

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
