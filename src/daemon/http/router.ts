import createFinder from 'find-my-way';
import { type RouteName, routes } from '../../api/routes.ts';
import type { Handler } from './exchange.ts';

/** What each built route does. A router gives a part of it. */
export type Handlers = Partial<Record<RouteName, Handler>>;

export interface Match {
  readonly name: RouteName;
  readonly handler: Handler;
  readonly params: Readonly<Record<string, string | undefined>>;
}

export interface Router {
  /** The handler of a path without its version prefix and query, or undefined for a page that does not exist. */
  find(method: string, path: string): Match | undefined;
}

interface Tail {
  readonly suffix: string;
  readonly param: string;
  readonly name: RouteName;
  readonly handler: Handler;
}
type Store = { readonly name: RouteName; readonly handler: Handler } | { readonly tails: Tail[] };

/** Builds the router from the handlers at hand; routes without a handler do not exist. */
export function createRouter(handlers: Handlers): Router {
  const finder = createFinder({ maxParamLength: Number.MAX_SAFE_INTEGER }); // the head's size is bounded already
  const wildcards = new Map<string, Tail[]>();
  const nothing = (): void => {};
  for (const [name, handler] of Object.entries(handlers) as [RouteName, Handler][]) {
    const [method, path] = splitRoute(name);
    const open = /^(.*)\{(\w+)\.\.\.\}(.*)$/.exec(path);
    if (!open) {
      finder.on(method, path.replace(/\{(\w+)\}/g, ':$1'), nothing, { name, handler } satisfies Store);
      continue;
    }
    const [, prefix, param, suffix] = open as unknown as [string, string, string, string];
    const key = `${method} ${prefix}`;
    let tails = wildcards.get(key);
    if (!tails) {
      tails = [];
      wildcards.set(key, tails);
      finder.on(method, `${prefix}*`, nothing, { tails } satisfies Store);
    }
    tails.push({ suffix, param, name, handler });
    tails.sort((a, b) => b.suffix.length - a.suffix.length);
  }
  return {
    find(method, path) {
      const found = finder.find(method as 'GET', path);
      if (!found) return undefined;
      const store = found.store as Store;
      if (!('tails' in store)) return { ...store, params: found.params };
      return matchTail(store.tails, found.params['*'] ?? '');
    },
  };
}

function splitRoute(name: RouteName): ['GET' | 'HEAD' | 'POST' | 'DELETE', string] {
  return routes[name].split(' ') as ['GET' | 'HEAD' | 'POST' | 'DELETE', string];
}

function matchTail(tails: readonly Tail[], rest: string): Match | undefined {
  for (const { suffix, param, name, handler } of tails) {
    if (rest.length > suffix.length && rest.endsWith(suffix)) {
      return { name, handler, params: { [param]: rest.slice(0, rest.length - suffix.length) } };
    }
  }
  return undefined;
}
