import { z } from 'zod';
import { invalid } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Settings } from './config-schema.ts';

/** The proxies that are configured, by the variable that each stands for. */
export type Proxies = Readonly<Record<string, string>>;

const variables = { 'http-proxy': 'HTTP_PROXY', 'https-proxy': 'HTTPS_PROXY', 'no-proxy': 'NO_PROXY' } as const;
const names = Object.keys(variables) as (keyof typeof variables)[];
const inFile = z.strictObject({
  'http-proxy': z.string().optional(),
  'https-proxy': z.string().optional(),
  'no-proxy': z.string().optional(),
});

/** A configuration file's content with what it has in `proxies`, as Docker has it, under the names of the flags. @throws invalid. */
export function flattenProxies({ proxies, ...others }: Record<string, unknown>): Record<string, unknown> {
  if (proxies === undefined || proxies === null) return others;
  const checked = inFile.safeParse(proxies);
  if (checked.success) return { ...others, ...checked.data };
  const { path, message } = checked.error.issues[0]!;
  throw invalid(`${['proxies', ...path].join('.')}: ${message.replace(/^Invalid input: /, '')}`);
}

export function configuredProxies(given: Settings): Proxies {
  return Object.fromEntries(names.flatMap((name) => (given[name] ? [[variables[name], given[name]]] : [])));
}

/** Puts the configured proxies in the place of the environment's, which everything that goes out from the engine reads. */
export function useProxies(proxies: Proxies, environment: NodeJS.ProcessEnv, log: Logger): void {
  for (const [name, value] of Object.entries(proxies)) {
    const before = environment[name] ?? environment[name.toLowerCase()];
    if (before && before !== value) {
      const told = { name, 'old-value': withoutPassword(before), 'new-value': withoutPassword(value) };
      log.warn('overriding existing proxy variable with value from configuration', told);
    }
    delete environment[name.toLowerCase()]; // Node would prefer it
    environment[name] = value;
  }
}

/** An address as it may be shown. */
export function withoutPassword(proxy: string): string {
  return proxy.replace(/\/\/[^@/]*@/, '//xxxxx:xxxxx@');
}
