import { z } from 'zod';
import type { BuildMessage, BuildPruned } from '../../api/types/build.ts';
import type { HostConfig } from '../../api/types/container.ts';
import { asTugError, invalid, unsupported } from '../../base/errors.ts';
import { shortId } from '../../base/ids.ts';
import type { BuildContextInput, Builder, BuildListener, BuildRequest, Entitlement } from '../../builder/contract.ts';
import { createClassicListener } from '../../builder/progress/classic.ts';
import { createTraceListener } from '../../builder/progress/trace.ts';
import type { BuildSessions } from '../../builder/session/sessions.ts';
import { parseAttest } from '../../formats/attest-options.ts';
import { parseCacheFrom, parseCacheTo } from '../../formats/build-cache-options.ts';
import { formatFamiliar, parseReference, withDefaultTag } from '../../formats/reference.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Query } from '../http/query.ts';
import type { Handlers } from '../http/router.ts';
import { decodeRegistryConfig } from './registry-auth.ts';

/** Builds: what the requests mean. */
export function buildRoutes(builder: Builder, sessions: BuildSessions): Handlers {
  return {
    ImageBuild: (exchange) => buildImage(builder, sessions, exchange),
    async BuildPrune({ query }) {
      const keep = query.integer('reserved-space') ?? query.integer('keep-storage') ?? 0;
      const { deleted, reclaimed } = await builder.prune({ all: query.boolean('all'), keep, filters: query.filters() });
      const body: BuildPruned = { CachesDeleted: deleted, SpaceReclaimed: reclaimed };
      return { status: 200, body };
    },
  };
}

/**
 * Answers with lines of JSON: Docker's classic ones, or with `trace` the state of the steps. The head goes out with the
 * first line: an error before that is an ordinary HTTP error, a later one is the last line.
 */
async function buildImage(builder: Builder, sessions: BuildSessions, exchange: Exchange): Promise<undefined> {
  const { query, signal } = exchange;
  const request = readRequest(exchange, sessions);
  const stream = exchange.begin('application/json');
  const send = (message: BuildMessage): Promise<void> => stream.write(`${JSON.stringify(message)}\r\n`);
  const quiet = query.boolean('q');
  const trace = query.boolean('trace');
  const listener = quiet ? silent : trace ? createTraceListener(send) : createClassicListener(send);
  try {
    const { imageId, warnings, checks } = await builder.build(request, listener, signal);
    for (const warning of trace ? [...checks, ...warnings] : warnings) listener.warning(warning);
    await listener.flush();
    if (quiet) await send({ stream: `${imageId}\n` });
    else await sendEnd(send, imageId, trace ? [] : request.tags, trace);
  } catch (error) {
    if (!stream.response.headersSent) throw error;
    await listener.flush();
    await send(errorLine(error, trace));
  }
  stream.end();
}

async function sendEnd(
  send: (message: BuildMessage) => Promise<void>,
  imageId: string,
  tags: readonly string[],
  trace: boolean,
): Promise<void> {
  await send({ aux: { ID: imageId } });
  if (trace) return;
  await send({ stream: `Successfully built ${shortId(imageId)}\n` });
  for (const tag of tags)
    await send({ stream: `Successfully tagged ${formatFamiliar(withDefaultTag(parseReference(tag)))}\n` });
}

const silent: BuildListener & { flush(): Promise<void> } = {
  started() {},
  waited() {},
  output: () => undefined,
  progress() {},
  done() {},
  failed() {},
  warning() {},
  flush: async () => {},
};

/** `trace`: with the place in the Dockerfile, and in the words of those who show steps. */
function errorLine(error: unknown, trace: boolean): BuildMessage {
  const { message: plain, details, kind, code: word } = asTugError(error);
  const { exitCode, place, command, about } = details;
  const code = typeof exitCode === 'number' ? { code: exitCode } : kind === 'unauthorized' ? { code: 401 } : {};
  const message =
    trace && word === 'build-step-failed'
      ? `process ${JSON.stringify(command)} did not complete successfully: exit code: ${exitCode}${about}`
      : plain;
  const shown = trace && typeof place === 'string' ? { place } : {};
  return { errorDetail: { ...code, message, ...shown }, error: message };
}

function readRequest(exchange: Exchange, sessions: BuildSessions): BuildRequest {
  const { query, request } = exchange;
  if (query.text('version') === '2')
    throw unsupported(
      "BuildKit's protocol is not spoken by this engine: use tug build, or docker with DOCKER_BUILDKIT=0",
    );
  refuseUnbuilt(query);
  const remote = query.text('remote');
  const session = query.text('session');
  const tags = query.all('t').filter(Boolean);
  for (const tag of tags) parseReference(tag);
  return {
    context: inputOf(request, remote),
    session: session === undefined ? undefined : sessions.find(session),
    dockerfile: query.text('dockerfile') ?? 'Dockerfile',
    tags,
    target: query.text('target'),
    buildArgs: nullable(json(query, 'buildargs', z.record(z.string(), z.string().nullable())) ?? {}),
    labels: json(query, 'labels', z.record(z.string(), z.string())) ?? {},
    platform: query.text('platform'),
    noCache: query.boolean('nocache'),
    noCacheFilter: query.all('nocachefilter'),
    pull: query.boolean('pull'),
    squash: query.boolean('squash'),
    provenance: parseAttest(query.all('attest').filter(Boolean)),
    cacheFrom: (json(query, 'cachefrom', z.array(z.string())) ?? []).map(parseCacheFrom),
    cacheTo: (json(query, 'cacheto', z.array(z.string())) ?? []).map(parseCacheTo),
    allow: entitlementsOf(query),
    host: readHost(query),
    auths: decodeRegistryConfig(request.headers['x-registry-config']) ?? {},
    contexts: json(query, 'contexts', z.record(z.string(), z.string())) ?? {},
  };
}

/** `networkmode=host` gives the host's network to all commands anyway. */
function entitlementsOf(query: Query): Entitlement[] {
  const allowed = query
    .all('allow')
    .filter(Boolean)
    .map((name): Entitlement => {
      if (name === 'network.host' || name === 'security.insecure') return name;
      throw invalid(`invalid entitlement: ${name} (known: network.host, security.insecure)`, {
        code: 'bad-entitlement',
      });
    });
  return query.text('networkmode') === 'host' ? [...allowed, 'network.host'] : allowed;
}

const partsType = 'application/vnd.tug.build-parts';

function inputOf(request: Exchange['request'], remote: string | undefined): BuildContextInput {
  const type = request.headers['content-type'];
  if (type === partsType) return { kind: 'parts', stream: request, url: remote };
  if (remote !== undefined) return { kind: 'remote', url: remote };
  if (type !== undefined && !/^application\/(x-)?(tar|octet-stream)/.test(type))
    throw invalid(`Content-Type must be application/x-tar, not ${type}`);
  return { kind: 'archive', stream: request };
}

function nullable(values: Record<string, string | null>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? undefined]));
}

/** What would be ignored otherwise. */
function refuseUnbuilt(query: Query): void {
  if (query.text('outputs') !== undefined) throw unsupported('outputs: this route makes images; export them after it');
  const isolation = query.text('isolation');
  if (isolation !== undefined && isolation !== 'default')
    throw invalid(`Unsupported isolation: ${JSON.stringify(isolation)}`);
}

function json<T>(query: Query, name: string, schema: z.ZodType<T>): T | undefined {
  const text = query.text(name);
  if (text === undefined) return undefined;
  try {
    return schema.nullable().parse(JSON.parse(text)) ?? undefined;
  } catch (cause) {
    throw invalid(`invalid value for query parameter ${name}: it is not the JSON that is wanted`, { cause });
  }
}

const ulimit = z.object({ Name: z.string(), Soft: z.number(), Hard: z.number() });

function readHost(query: Query): HostConfig {
  const extraHosts = query.all('extrahosts').flatMap(hostsOf);
  const ulimits = json(query, 'ulimits', z.array(ulimit)) ?? [];
  const securityOpt = query.all('securityopt').flatMap((value) => listOf('securityopt', value) ?? [value]);
  const text = (name: string, key: keyof HostConfig): HostConfig => {
    const value = query.text(name);
    return value === undefined ? {} : { [key]: value };
  };
  const number = (name: string, key: keyof HostConfig): HostConfig => {
    const value = query.integer(name);
    return value === undefined || value === 0 ? {} : { [key]: value };
  };
  const network = query.text('networkmode');
  return {
    NetworkMode: network === undefined || network === 'default' ? 'bridge' : network,
    ...number('memory', 'Memory'),
    ...number('memswap', 'MemorySwap'),
    ...number('cpushares', 'CpuShares'),
    ...number('cpuperiod', 'CpuPeriod'),
    ...number('cpuquota', 'CpuQuota'),
    ...number('shmsize', 'ShmSize'),
    ...text('cpusetcpus', 'CpusetCpus'),
    ...text('cpusetmems', 'CpusetMems'),
    ...text('cgroupparent', 'CgroupParent'),
    ...(extraHosts.length > 0 ? { ExtraHosts: extraHosts } : {}),
    ...(ulimits.length > 0 ? { Ulimits: ulimits } : {}),
    ...(securityOpt.length > 0 ? { SecurityOpt: securityOpt } : {}),
  };
}

/** One each, or as older clients have it a list of JSON or of commas. */
const hostsOf = (value: string): string[] => listOf('extrahosts', value) ?? value.split(',').filter(Boolean);

/** A list of JSON; undefined for what does not begin like one. @throws invalid. */
function listOf(name: string, value: string): string[] | undefined {
  if (!value.startsWith('[')) return undefined;
  try {
    return z.array(z.string()).parse(JSON.parse(value));
  } catch (cause) {
    throw invalid(`invalid value for query parameter ${name}: it is not the JSON that is wanted`, { cause });
  }
}
