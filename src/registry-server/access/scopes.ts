import type { Action, Wanted } from '../contract.ts';

/** One resource of a scope, as tokens of the distribution protocol name it ("Docker Registry v2 authentication"). */
export interface ResourceAccess {
  /** `repository`, or `registry` for the catalog; a class in brackets may follow. */
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** Reads `repository:team/app:pull,push`; the name may hold colons. Undefined for what is no scope. */
export function parseScope(text: string): ResourceAccess | undefined {
  const [, type = '', name = '', actions = ''] = /^([a-z0-9]+(?:\([a-z0-9]+\))?):(.+):([a-z*,]*)$/.exec(text) ?? [];
  if (type === '') return undefined;
  return { type, name, actions: actions.split(',').filter(Boolean) };
}

/** What a request needs, as a resource. The registry itself (repository '') is `registry:catalog:*`. */
export function resourceOf({ repository, actions }: Wanted): ResourceAccess {
  if (repository === '') return { type: 'registry', name: 'catalog', actions: ['*'] };
  return { type: 'repository', name: repository, actions: actions.map((one) => (one === 'admin' ? '*' : one)) };
}

/** What a token asks for, as what the rules speak of; undefined for what this registry has not. */
export function wantedOf({ type, name, actions }: ResourceAccess): Wanted | undefined {
  if (type === 'registry' && name === 'catalog') return { repository: '', actions: ['pull'] };
  if (!type.startsWith('repository')) return undefined;
  const known = actions.flatMap((one): readonly Action[] => (one === '*' ? everything : (named.get(one) ?? [])));
  return { repository: name, actions: [...new Set(known)] };
}

const everything: readonly Action[] = ['pull', 'push', 'delete', 'admin'];
const named = new Map<string, readonly Action[]>([
  ['pull', ['pull']],
  ['push', ['push']],
  ['delete', ['delete']],
]);

/** The scopes of a challenge, several with a space between. */
export const formatScopes = (wanted: readonly Wanted[]): string =>
  wanted
    .map(resourceOf)
    .map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`)
    .join(' ');

/** Whether the resources of a token cover what a request needs; `*` stands for every action. */
export function covers(granted: readonly ResourceAccess[], wanted: Wanted): boolean {
  const needed = resourceOf(wanted);
  const mine = granted.filter(({ type, name }) => type.replace(/\(.*$/, '') === needed.type && name === needed.name);
  const actions = new Set(mine.flatMap((one) => one.actions));
  return actions.has('*') || needed.actions.every((action) => actions.has(action));
}
