import { randomBytes } from 'node:crypto';
import type { ContainerInspect, ContainerSummary } from '../api/types/container.ts';
import { isKind, unsupported } from '../base/errors.ts';
import type { CallOptions, Engine } from '../client/engine.ts';
import type { HttpResponse } from '../client/http.ts';

/** An engine that is asked as ever, and told to change something only in appearance. */
export interface PretendEngine extends Engine {
  /** Images that are there from now on, in appearance: `pull` and `build` name theirs. */
  addImage(name: string): void;
}

interface Made {
  readonly name: string;
  readonly config: Record<string, unknown>;
}

/** What a container is by now, in appearance. */
type State = 'running' | 'exited' | 'paused' | 'removed';

const stateAfter: Readonly<Record<string, State>> = {
  ...{ start: 'running', restart: 'running', unpause: 'running' },
  ...{ stop: 'exited', kill: 'exited', pause: 'paused' },
};

/**
 * Wraps an engine for a dry run: what only asks goes through, with what was changed in appearance put in; what would
 * change something is answered as if it had been done, and sent nowhere.
 */
export function pretend(engine: Engine): PretendEngine {
  const made = new Map<string, Made>();
  const states = new Map<string, State>();
  const images = new Set<string>();

  const ask = async (method: string, path: string, options?: CallOptions): Promise<unknown> => {
    const [, kind = '', reference = '', verb = ''] = path.split('/').map(decodeURIComponent);
    const container = kind === 'containers' && verb === 'json' ? made.get(reference) : undefined;
    if (container) return inspectMade(reference, container);
    try {
      const answer = await engine.json<unknown>(method, path, options);
      return path === '/containers/json' ? listed(answer as ContainerSummary[], states) : answer;
    } catch (error) {
      if (
        !isKind(error, 'not-found') ||
        kind !== 'images' ||
        !images.has(decodeURIComponent(path.slice('/images/'.length, -'/json'.length)))
      )
        throw error;
      return { Id: 'sha256:dry-run', Config: {} };
    }
  };

  const change = (method: string, path: string, { json, query }: CallOptions = {}): unknown => {
    const [, kind = '', reference = '', verb = ''] = path.split('/').map(decodeURIComponent);
    if (kind === 'containers' && reference === 'create') {
      const Id = randomBytes(32).toString('hex');
      made.set(Id, { name: String(query?.['name'] ?? ''), config: json as Record<string, unknown> });
      return { Id, Warnings: [] };
    }
    const next = method === 'DELETE' ? 'removed' : stateAfter[verb];
    if (kind === 'containers' && next) states.set(reference, next);
    return { ...(typeof json === 'object' ? json : {}), Id: 'dry-run' };
  };

  const answer = async (method: string, path: string, options?: CallOptions): Promise<unknown> =>
    isAsking(method) ? await ask(method, path, options) : change(method, path, options);

  return {
    endpoint: engine.endpoint,
    get version() {
      return engine.version;
    },
    call: async (method, path, options) =>
      isAsking(method) ? await engine.call(method, path, options) : nothing(change(method, path, options)),
    json: async <T>(method: string, path: string, options?: CallOptions) => (await answer(method, path, options)) as T,
    send: async (method, path, options) => {
      if (isAsking(method)) return await engine.send(method, path, options);
      change(method, path, options);
      return 204;
    },
    hijack: async () => {
      throw unsupported('interactive run is not supported in dry-run mode');
    },
    close: () => engine.close(),
    addImage: (name) => void images.add(name),
  };
}

const isAsking = (method: string): boolean => method === 'GET' || method === 'HEAD';

const nothing = (value: unknown): HttpResponse => ({
  status: 200,
  headers: new Map(),
  async *body() {
    yield Buffer.from(JSON.stringify(value));
  },
});

/** A container that would have been made, as if it ran. */
const inspectMade = (id: string, { name, config }: Made): Partial<ContainerInspect> => ({
  Id: id,
  Name: `/${name}`,
  State: { Status: 'running', Running: true, ExitCode: 0 } as ContainerInspect['State'],
  Config: config,
  Mounts: [],
});

const listed = (found: readonly ContainerSummary[], states: ReadonlyMap<string, State>): ContainerSummary[] =>
  found.flatMap((one) => {
    const state = states.get(one.Id);
    if (state === 'removed') return [];
    return [state === undefined ? one : { ...one, State: state }];
  });
