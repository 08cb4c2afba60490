import { compilePathPattern, type PathPattern } from '../../formats/path-pattern.ts';
import type { Action, Identity, Wanted } from '../contract.ts';
import type { AccessRule } from './config.ts';

/** Who may do what. Rules only allow: what none of them allows is refused. */
export interface Rules {
  /** A user, with the groups that the configuration puts it in. */
  identify(name: string): Identity;
  allows(identity: Identity, repository: string, action: Action): boolean;
  /** Whether the catalog is for this one at all; what stands in it is what `allows` lets be pulled. */
  lists(identity: Identity): boolean;
}

/** The actions that are not allowed, as one `Wanted` for each repository that lacks some. */
export function missing(rules: Rules, identity: Identity, wanted: readonly Wanted[]): Wanted[] {
  const allowed = (repository: string, action: Action): boolean =>
    repository === '' && action === 'pull' ? rules.lists(identity) : rules.allows(identity, repository, action);
  return wanted
    .map(({ repository, actions }) => ({
      repository,
      actions: actions.filter((action) => !allowed(repository, action)),
    }))
    .filter(({ actions }) => actions.length > 0);
}

const nobody: Identity = { name: '', groups: [] };

/** What holds where the configuration has no rules: everything for everybody, or for those who have logged in. */
export function plainRules(who: 'everybody' | 'users'): Rules {
  const allows = ({ name }: Identity): boolean => who === 'everybody' || name !== '';
  return { identify: (name) => (name === '' ? nobody : { name, groups: [] }), allows, lists: allows };
}

/**
 * The rules of a configuration. A rule speaks of users by name (`*`: all that have logged in), of groups, or of
 * everybody (`anonymous`), and of repositories by patterns in which `*` stands for anything without `/`, `**` for
 * anything, and `${user}` for the name of who asks. `admin` allows all four actions.
 * @throws invalid for a pattern that is none.
 */
export function createRules(rules: readonly AccessRule[], groups: Readonly<Record<string, readonly string[]>>): Rules {
  const compiled = rules.map(compileRule);
  const memberships = new Map<string, string[]>();
  for (const [group, members] of Object.entries(groups)) {
    for (const member of members) memberships.set(member, [...(memberships.get(member) ?? []), group]);
  }
  const open = compiled.some((rule) => rule.concerns(nobody) && rule.actions.has('pull'));
  return {
    identify: (name) => (name === '' ? nobody : { name, groups: memberships.get(name) ?? [] }),
    allows: (identity, repository, action) =>
      compiled.some(
        (rule) =>
          (rule.actions.has(action) || rule.actions.has('admin')) &&
          rule.concerns(identity) &&
          rule.covers(identity, repository),
      ),
    lists: ({ name }) => name !== '' || open,
  };
}

interface CompiledRule {
  readonly actions: ReadonlySet<Action>;
  concerns(identity: Identity): boolean;
  covers(identity: Identity, repository: string): boolean;
}

function compileRule(rule: AccessRule): CompiledRule {
  const users = new Set(rule.users);
  const groups = new Set(rule.groups);
  const patterns = rule.repositories.map(compileFor);
  const whole = rule.repositories.includes('**');
  return {
    actions: new Set(rule.actions),
    concerns: ({ name, groups: mine }) =>
      rule.anonymous || (name !== '' && (users.has('*') || users.has(name) || mine.some((group) => groups.has(group)))),
    // '' is the registry itself, which only a rule for all of it speaks of
    covers: ({ name }, repository) =>
      repository === '' ? whole : patterns.some((patternOf) => patternOf(name)?.matches(repository) === true),
  };
}

/** What may stand in a pattern for `${user}`: a name that can neither be a pattern nor reach over a `/`. */
const component = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const placeholder = '${user}';

function compileFor(text: string): (user: string) => PathPattern | undefined {
  const compile = (pattern: string): PathPattern => compilePathPattern(pattern, { folders: true });
  if (!text.includes(placeholder)) {
    const pattern = compile(text);
    return () => pattern;
  }
  compile(text.replaceAll(placeholder, 'user')); // a fault is told at the start, not at the first request
  const known = new Map<string, PathPattern>();
  return (user) => {
    if (!component.test(user)) return undefined;
    const pattern = known.get(user) ?? compile(text.replaceAll(placeholder, user));
    known.set(user, pattern);
    return pattern;
  };
}
