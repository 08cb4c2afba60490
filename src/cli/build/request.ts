import * as fs from 'node:fs';
import { invalid, messageOf } from '../../base/errors.ts';
import type { Query } from '../../client/engine.ts';
import { attestOf, parseAttest } from '../../formats/attest-options.ts';
import { parseBytes, parseMemorySwap } from '../../formats/bytes.ts';
import { cutKeyValue } from '../../formats/key-value.ts';
import { parseAddHost, parseUlimit } from '../commands/container/create-values.ts';
import { CommandFailure } from '../exit-codes.ts';
import type { ParsedFlags } from '../flags.ts';

/** @throws invalid for an option that tug knows and cannot honour. */
export function refuseOptions(flags: ParsedFlags): void {
  parseAttest(attestsOf(flags));
  if (!flags.bool('rm')) throw invalid('--rm=false: steps leave no containers that could be kept');
  if (!flags.bool('disable-content-trust')) throw invalid('--disable-content-trust=false: signatures are not verified');
}

/** What is to be stated of the image: `--attest`, and what `--provenance` and `--sbom` stand for. */
export function attestsOf(flags: ParsedFlags): string[] {
  const short = (['provenance', 'sbom'] as const).flatMap((type) => {
    const value = flags.optional(type);
    return value === undefined ? [] : [attestOf(type, value)];
  });
  return [...flags.list('attest'), ...short];
}

/** The query of `POST /build`, without what says where its files are. */
export function buildQuery(flags: ParsedFlags, env: Readonly<Record<string, string | undefined>>): Query {
  const args: Record<string, string> = {};
  for (const text of flags.list('build-arg')) {
    const { key, value = env[key] } = cutKeyValue(text);
    if (key === '') throw invalid(`invalid build argument: ${text}`);
    if (value !== undefined) args[key] = value;
  }
  const epoch = env['SOURCE_DATE_EPOCH'];
  if (epoch && !Object.hasOwn(args, 'SOURCE_DATE_EPOCH')) args['SOURCE_DATE_EPOCH'] = epoch;
  const labels = Object.fromEntries(
    flags.list('label').map((text) => {
      const { key, value = '' } = cutKeyValue(text);
      return [key, value];
    }),
  );
  const json = (value: object): string | undefined =>
    Object.keys(value).length > 0 ? JSON.stringify(value) : undefined;
  const bytes = (name: string): number | undefined => {
    const given = flags.optional(name);
    return given === undefined ? undefined : parseBytes(given);
  };
  const swap = flags.optional('memory-swap');
  return {
    ...{ t: flags.list('tag'), target: flags.optional('target'), platform: flags.optional('platform') },
    ...{ buildargs: json(args), labels: json(labels), nocache: flags.bool('no-cache'), pull: flags.bool('pull') },
    ...{ nocachefilter: flags.list('no-cache-filter').flatMap((text) => text.split(',')), rm: true },
    ...{ extrahosts: flags.list('add-host').map(parseAddHost), networkmode: flags.string('network') },
    ...{ attest: attestsOf(flags), allow: flags.list('allow') },
    ...{ isolation: flags.optional('isolation'), squash: flags.bool('squash') },
    ...{ memory: bytes('memory'), memswap: swap === undefined ? undefined : parseMemorySwap(swap) },
    ...{ cpushares: flags.int('cpu-shares'), cpuperiod: flags.int('cpu-period'), cpuquota: flags.int('cpu-quota') },
    ...{ cpusetcpus: flags.optional('cpuset-cpus'), cpusetmems: flags.optional('cpuset-mems') },
    ...{ cgroupparent: flags.optional('cgroup-parent'), shmsize: bytes('shm-size') },
    ulimits: flags.given('ulimit') ? JSON.stringify(flags.list('ulimit').map(parseUlimit)) : undefined,
    securityopt: flags.list('security-opt'),
  };
}

/** An id and the content, which is read when it is asked for first. @throws CommandFailure. */
export type GivenSecret = readonly [id: string, read: () => Promise<Buffer>];

/** Reads `--secret`: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, `id=NAME`. @throws invalid, CommandFailure for a file that cannot be read. */
export function readSecret(text: string, env: Readonly<Record<string, string | undefined>>): GivenSecret {
  const fields = new Map(
    text.split(',').map((field) => {
      const { key, value } = cutKeyValue(field);
      if (value === undefined) throw invalid(`invalid field '${field}' must be a key=value pair`);
      return [key.toLowerCase(), value];
    }),
  );
  const unknown = [...fields.keys()].find((key) => !['id', 'src', 'source', 'env', 'type'].includes(key));
  if (unknown !== undefined) throw invalid(`unexpected key '${unknown}' in '${text}'`);
  const type = fields.get('type');
  if (type !== undefined && type !== 'file' && type !== 'env') throw invalid(`unsupported secret type ${type}`);
  const id = fields.get('id') ?? '';
  if (id === '') throw invalid(`secret without an id: ${text}`);
  const file = fields.get('src') ?? fields.get('source');
  const variable =
    fields.get('env') ?? (file === undefined && (type === 'env' || env[id] !== undefined) ? id : undefined);
  if (variable !== undefined) {
    const value = env[variable];
    if (value === undefined) throw invalid(`secret ${id}: the variable ${variable} is not set`);
    return [id, async () => Buffer.from(value)];
  }
  return [id, secretFile(id, file ?? id)];
}

/** What may be read only once, such as a pipe, is left alone until it is asked for. */
function secretFile(id: string, file: string): () => Promise<Buffer> {
  const failed = (cause: unknown): CommandFailure =>
    new CommandFailure(`failed to read the secret ${id}: ${messageOf(cause)}`, 1, { cause });
  try {
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (!stat || stat.isFile()) fs.closeSync(fs.openSync(file, 'r'));
    if (stat?.isDirectory()) fs.readFileSync(file); // fails in the system's words
  } catch (error) {
    throw failed(error);
  }
  let content: Promise<Buffer> | undefined;
  return async () => {
    content ??= fs.promises.readFile(file);
    try {
      return await content;
    } catch (error) {
      throw failed(error);
    }
  };
}

/**
 * Reads `--ssh`: `default`, `NAME`, `NAME=SOCKET`. Without a socket the one of `SSH_AUTH_SOCK` is meant.
 * @throws invalid for what is no socket.
 */
export function readAgents(
  texts: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const agents = new Map<string, string>();
  for (const text of texts) {
    const { key, value } = cutKeyValue(text);
    const id = key === '' ? 'default' : key;
    const socket = value === undefined || value === '' ? env['SSH_AUTH_SOCK'] : value;
    if (socket === undefined || socket === '')
      throw invalid(`--ssh ${text}: no agent: SSH_AUTH_SOCK is not set; start one, or name its socket (${id}=SOCKET)`);
    if (agents.has(id)) throw invalid(`--ssh: invalid duplicate ID ${id}`);
    const stat = fs.statSync(socket, { throwIfNoEntry: false });
    if (!stat) throw invalid(`--ssh ${text}: ${socket} is not there`);
    if (!stat.isSocket())
      throw invalid(`--ssh ${text}: ${socket} is no socket of an agent: add the key to one (ssh-add) and name that`);
    agents.set(id, socket);
  }
  return agents;
}
