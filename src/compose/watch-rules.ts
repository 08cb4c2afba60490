import { readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { errnoOf, invalid } from '../base/errors.ts';
import { dockerfilePath } from '../formats/compose-file/build-shape.ts';
import type { BuildModel, Project, ServiceModel, WatchRule } from '../formats/compose-file/model.ts';
import { compileDockerignore, type Ignore, parseDockerignore } from '../formats/dockerignore.ts';

/** One rule of a service's `develop.watch`, ready to be asked about paths of this host. */
export interface ReadyRule {
  readonly service: string;
  readonly rule: WatchRule;
  /** Whether a changed file is one of its; nothing of what is ignored is. */
  covers(file: string): boolean;
  /** Whether nothing in a folder can be one of its, so that it need not be watched. */
  leavesOut(folder: string): boolean;
  /** Where a file lies in the containers, of a rule that has a `target`. */
  placeOf(file: string): string | undefined;
}

/** Files that editors and git leave beside what is worked on. */
const passing = ['**/.git', '**/*~', '**/.#*', '**/#*#', '**/*.swp', '**/*.swx', '**/4913', '**/.goutputstream-*'];

/**
 * The rules of some services. @param warn hears of those that are left out, since a mount shows their files already.
 * @throws invalid for rules that cannot be followed, and where there is none at all.
 */
export function watchRules(project: Project, services: readonly string[], warn: (text: string) => void): ReadyRule[] {
  const rules = services.flatMap((name) => {
    const service = project.services[name]!;
    return (service.develop?.watch ?? []).flatMap((rule) => {
      checkRule(name, service, rule);
      if (isSync(rule) && isMounted(rule.path, service)) {
        warn(`path '${rule.path}' also declared by a bind mount volume, this path won't be monitored!`);
        return [];
      }
      return [readyRule(name, service, rule)];
    });
  });
  if (rules.length > 0) return rules;
  throw invalid("none of the selected services is configured for watch, consider setting a 'develop' section");
}

export const isSync = ({ action }: WatchRule): boolean => action.startsWith('sync');

function checkRule(name: string, service: ServiceModel, rule: WatchRule): void {
  const at = `services.${name}.develop.watch`;
  if (rule.action === 'rebuild' && !service.build)
    throw invalid(`can't watch service "${name}" with action rebuild without a build context`);
  if (isSync(rule) && !rule.target) throw invalid(`${at}: action ${rule.action} needs a target`);
  if (rule.action === 'sync+exec' && !rule.exec?.command.length)
    throw invalid(`can't watch with action "sync+exec" on service ${name} without a command`);
  if (!statSync(rule.path, { throwIfNoEntry: false })) throw invalid(`${at}: ${rule.path}: no such file or directory`);
}

const isMounted = (file: string, { volumes }: ServiceModel): boolean =>
  (volumes ?? []).some(
    ({ type, source }) => type === 'bind' && source !== undefined && relative(source, file) !== undefined,
  );

/** A path below another one, `` for that one itself; undefined for any other. */
function relative(top: string, file: string): string | undefined {
  const found = path.relative(top, file);
  return found === '..' || found.startsWith('../') ? undefined : found;
}

function readyRule(service: string, { build }: ServiceModel, rule: WatchRule): ReadyRule {
  const ignores: (readonly [string, Ignore])[] = [
    [rule.path, compile(passing)],
    [rule.path, compile(rule.ignore ?? [])],
    ...contextIgnore(build),
  ];
  const include = rule.include?.length ? compile(rule.include) : undefined;
  const isIgnored = (file: string, judge: (ignore: Ignore, rest: string) => boolean): boolean =>
    ignores.some(([top, ignore]) => {
      const rest = relative(top, file);
      return rest !== undefined && rest !== '' && judge(ignore, rest);
    });
  return {
    service,
    rule,
    covers(file) {
      const rest = relative(rule.path, file);
      if (rest === undefined || isIgnored(file, (ignore, name) => ignore.ignores(name))) return false;
      return include === undefined || rest === '' || include.ignores(rest);
    },
    leavesOut: (folder) => relative(rule.path, folder) === undefined || isIgnored(folder, isPruned),
    placeOf: (file) =>
      rule.target === undefined ? undefined : path.posix.join(rule.target, relative(rule.path, file) ?? ''),
  };
}

const compile = (patterns: readonly string[]): Ignore => compileDockerignore(parseDockerignore(patterns.join('\n')));

/** Whether nothing of a folder is wanted: an exception may bring something of it back. */
function isPruned(ignore: Ignore, folder: string): boolean {
  let state = ignore.root;
  let at = '';
  for (const part of folder.split('/')) {
    at = at === '' ? part : `${at}/${part}`;
    const found = ignore.check(at, state);
    if (found.prune) return true;
    state = found.state;
  }
  return false;
}

/** What the build itself would not look at. */
function contextIgnore(build: BuildModel | undefined): (readonly [string, Ignore])[] {
  const context = build?.context;
  if (!build || !context?.startsWith('/')) return [];
  const own = readText(`${dockerfilePath(context, build.dockerfile ?? 'Dockerfile')}.dockerignore`);
  const text = own ?? readText(path.join(context, '.dockerignore'));
  return text === undefined ? [] : [[context, compileDockerignore(parseDockerignore(text))]];
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
