import { invalid } from '../../../base/errors.ts';
import type { UpOptions } from '../../../compose/up.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
import { selectServices } from '../../../formats/compose-file/profiles.ts';
import type { Flag } from '../../command.ts';
import type { ParsedFlags } from '../../flags.ts';
import { upFlags } from './up-flags.ts';

const contradictions: readonly (readonly [string, string])[] = [
  ['build', 'no-build'],
  ['force-recreate', 'no-recreate'],
  ['detach', 'attach'],
  ['always-recreate-deps', 'no-recreate'],
  ['rolling', 'no-recreate'],
  ['rolling', 'no-start'],
  ['no-build', 'watch'],
  ['no-start', 'watch'],
];

/** @throws invalid for flags that contradict each other. */
export function checkUpFlags(flags: ParsedFlags, table: readonly Flag[] = []): void {
  const known = (name: string): boolean => table.some(({ long }) => long === name) && flags.given(name);
  for (const [one, other] of contradictions)
    if (known(one) && known(other)) throw invalid(`--${one} and --${other} are incompatible`);
  for (const name of ['abort-on-container-exit', 'abort-on-container-failure', 'exit-code-from', 'attach-dependencies'])
    for (const other of ['detach', 'wait', ...(name === 'attach-dependencies' ? [] : ['watch'])])
      if (known(name) && known(other)) throw invalid(`--${other} cannot be combined with --${name}`);
  for (const background of ['detach', 'wait'])
    if (known('watch') && known(background)) throw invalid(`--${background} cannot be combined with --watch`);
}

/** `--scale SERVICE=NUM`. @throws invalid. */
export function scaleOf(given: readonly string[], project: Project): Map<string, number> {
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

const pullPolicies = ['always', 'missing', 'never', 'policy', 'build'];

/** What `up` and `create` are to do. @param table the command's flags; those of the others are as if not given. */
export function upOptions(
  flags: ParsedFlags,
  project: Project,
  named: readonly string[],
  scale: ReadonlyMap<string, number>,
  allResources: boolean,
  table: readonly Flag[] = upFlags,
): UpOptions {
  const has = (name: string): boolean => table.some(({ long }) => long === name);
  const bool = (name: string): boolean => has(name) && flags.bool(name);
  const int = (name: string): number | undefined => (has(name) && flags.given(name) ? flags.int(name) : undefined);
  const services = selectServices(project, named, !bool('no-deps'));
  const pull = (has('pull') && flags.string('pull')) || 'policy';
  if (!pullPolicies.includes(pull))
    throw invalid(`invalid --pull option ${JSON.stringify(pull)}: it is always, missing, never or policy`);
  return {
    services,
    named: named.length > 0 ? named : services,
    pull: pull === 'build' ? 'policy' : (pull as UpOptions['pull']),
    build: bool('build') || pull === 'build',
    noBuild: bool('no-build'),
    quietPull: bool('quiet-pull') || bool('quiet'),
    forceRecreate: bool('force-recreate'),
    noRecreate: bool('no-recreate'),
    alwaysRecreateDeps: bool('always-recreate-deps'),
    scale,
    removeOrphans: bool('remove-orphans'),
    ignoreOrphans: false,
    renewVolumes: bool('renew-anon-volumes'),
    timeout: int('timeout'),
    wait: bool('wait') || int('wait-timeout') !== undefined,
    waitTimeout: int('wait-timeout') ?? 0,
    allResources,
    rolling: bool('rolling'),
  };
}
