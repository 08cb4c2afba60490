import { invalid } from '../base/errors.ts';
import { parseAddress } from './ip-address.ts';

/** What a resolver is told: resolv.conf(5). */
export interface ResolverSettings {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Reads a resolv.conf. Of several `search` and `domain` lines the last counts; comments and what is not known are passed over. */
export function parseResolvConf(text: string): ResolverSettings {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const values = (key: string): string[][] => lines.filter(([word]) => word === key).map(([, ...rest]) => rest);
  const domains = lines.filter(([word, first]) => (word === 'search' || word === 'domain') && first !== undefined);
  return {
    servers: values('nameserver').flatMap(([server]) => server ?? []),
    search: domains.at(-1)?.slice(1) ?? [],
    options: values('options').flat(),
  };
}

/** The same as text; lines that would be empty are left out. `notes` become comments at the end. */
export function writeResolvConf({ servers, search, options }: ResolverSettings, notes: readonly string[] = []): string {
  return [
    ...servers.map((server) => `nameserver ${server}\n`),
    ...(search.length > 0 ? [`search ${search.join(' ')}\n`] : []),
    ...(options.length > 0 ? [`options ${options.join(' ')}\n`] : []),
    ...(notes.length > 0 ? ['\n', ...notes.map((note) => `# ${note}\n`)] : []),
  ].join('');
}

/** How many dots a name has to have to be asked for as it is (`ndots`), or undefined where that is not said. */
export function dotsWanted(options: readonly string[]): number | undefined {
  const said = options.findLast((option) => /^ndots:\d+$/.test(option));
  return said === undefined ? undefined : Number(said.slice('ndots:'.length));
}

/** Whether a server is at the loopback of whoever asks it. */
export const isLoopback = (server: string): boolean => server.startsWith('127.') || server === '::1';

/**
 * Refuses what cannot stand in a resolv.conf as what it is, such as a domain with a line break. A link-local server may have a zone.
 * @throws invalid.
 */
export function checkResolverSettings({ servers, search, options }: ResolverSettings): void {
  for (const server of servers)
    if (!parseAddress(server.replace(/%[\w.-]+$/, '')))
      throw invalid(`dns: ${JSON.stringify(server)} is not an ip address`);
  const isWord = (text: string): boolean => /^[\x21-\x7e]*$/.test(text);
  for (const domain of search)
    if (!isWord(domain)) throw invalid(`dns-search: ${JSON.stringify(domain)} is not a valid domain`);
  for (const option of options)
    if (!isWord(option)) throw invalid(`dns-opt: ${JSON.stringify(option)} is not an option of a resolver`);
}
