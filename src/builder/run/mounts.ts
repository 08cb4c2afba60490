import * as fs from 'node:fs';
import * as path from 'node:path';
import { invalid, notFound } from '../../base/errors.ts';
import type { ContainerMount } from '../../containers/mount-requests.ts';
import type { RunScript } from '../../formats/dockerfile/parse-run.ts';
import { parseRunMount } from '../../formats/dockerfile/run-mount.ts';
import type { RunInstruction, RunMount } from '../../formats/dockerfile/types.ts';
import { resolveInRoot } from '../../host/read-in-root.ts';
import type { Scope } from '../build-context.ts';
import { keyOf } from '../cache/keys.ts';
import { originOf } from '../instructions/copy.ts';
import { absolute } from '../instructions/workdir.ts';
import { offerAgent } from '../session/agent.ts';
import { bytes } from '../sources/tree.ts';
import { expander, type StageState } from '../state.ts';
import { cacheBase, contextMount, writeOut } from './context-mount.ts';

/** What `--mount` brings into a command. */
export interface RunMounts {
  /** Of what the command can read of them. What is secret, and caches, count for nothing. */
  readonly key: unknown;
  /** Makes them ready for one run. */
  open(script: RunScript): Promise<OpenMounts>;
}

export interface OpenMounts extends AsyncDisposable {
  readonly mounts: readonly ContainerMount[];
  /** `NAME=value` of secrets that come as variables. */
  readonly env: readonly string[];
  /** Paths, without a slash in front, that things are mounted on. */
  readonly places: readonly string[];
}

/** One mount, looked at but not yet made. */
interface Prepared {
  readonly key: unknown;
  open(own: AsyncDisposableStack): Promise<{ mount?: ContainerMount; env?: string }>;
}

/** Looks at the `--mount`s of a RUN. @throws invalid, not-found for what they name. */
export async function resolveMounts(state: StageState, instruction: RunInstruction, scope: Scope): Promise<RunMounts> {
  const expand = expander(state);
  const prepared: Prepared[] = [];
  const earlier: RunMount['type'][] = [];
  for (const text of instruction.mounts) {
    const mount = parseRunMount(text, (value) => expand(value).text);
    const agents = earlier.filter((one) => one === 'ssh').length;
    earlier.push(mount.type);
    prepared.push(await prepare(state, mount, scope, agents));
  }
  return { key: prepared.map(({ key }) => key), open: (script) => openAll(prepared, script, scope) };
}

async function openAll(prepared: readonly Prepared[], script: RunScript, { build }: Scope): Promise<OpenMounts> {
  await using stack = new AsyncDisposableStack();
  const mounts: ContainerMount[] = [];
  const env: string[] = [];
  for (const one of prepared) {
    const opened = await one.open(stack);
    if (opened.mount) mounts.push(opened.mount);
    if (opened.env !== undefined) env.push(opened.env);
  }
  if (script.form === 'file') mounts.push(scriptMount(build.secretFolder, script, stack));
  const owned = stack.move();
  return {
    mounts,
    env,
    places: mounts.map(({ target }) => bytes(target.replace(/^\/+/, ''))),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const bind = (source: string, target: string, readOnly: boolean): ContainerMount => ({
  ...{ type: 'bind', source, target, mode: '', readOnly, propagation: 'rprivate' },
});

function scriptMount(folder: string, { name, content }: RunScript & { form: 'file' }, stack: AsyncDisposableStack) {
  const file = temporary(folder, content, 0o755, stack);
  return bind(file, `/dev/pipes/${name}`, true);
}

let numbers = 0;

/** A file that goes with the stack. */
function temporary(folder: string, content: string | Buffer, mode: number, stack: AsyncDisposableStack): string {
  numbers += 1;
  const file = path.join(folder, `file-${numbers}`);
  fs.mkdirSync(folder, { recursive: true, mode: 0o711 });
  fs.writeFileSync(file, content, { mode, flag: 'wx' });
  fs.chmodSync(file, mode);
  stack.defer(() => fs.rmSync(file, { force: true }));
  return file;
}

async function prepare(state: StageState, mount: RunMount, scope: Scope, number: number): Promise<Prepared> {
  const { target, type } = mount;
  const place = target === undefined ? undefined : absolute(state, target);
  if (type === 'secret') return secretMount(mount, place, scope);
  if (type === 'ssh') return sshMount(mount, place, scope, number);
  if (place === undefined) throw invalid(`a mount of type ${type} needs a target`, { code: 'bad-mount' });
  if (type === 'tmpfs') {
    const options = mount.size === undefined ? [] : [`size=${mount.size}`];
    const made: ContainerMount = { type: 'tmpfs', target: place, mode: '', readOnly: false, options };
    return { key: ['tmpfs', place, mount.size], open: async () => ({ mount: made }) };
  }
  return type === 'cache' ? cacheMount(mount, place, scope) : await bindMount(mount, place, scope);
}

function secretMount(mount: RunMount, place: string | undefined, { build }: Scope): Prepared {
  const { id = '', env, required, mode = 0o400, uid = 0, gid = 0 } = mount;
  const secret = build.secrets.get(id);
  if (!secret && required) throw invalid(`secret ${id}: not found`, { code: 'no-secret' });
  return {
    key: ['secret', id, place, env],
    async open(own) {
      if (!secret) return {};
      const content = await secret();
      const variable = env === undefined ? {} : { env: `${env}=${content}` };
      if (place === undefined) return variable;
      const file = temporary(build.secretFolder, content, mode, own);
      fs.chownSync(file, uid, gid);
      return { ...variable, mount: bind(file, place, true) };
    },
  };
}

/** Where BuildKit puts them, with a number each. */
const agentPlace = '/run/buildkit/ssh_agent.';

function sshMount(mount: RunMount, place: string | undefined, scope: Scope, number: number): Prepared {
  const { id = 'default', required, mode = 0o600, uid = 0, gid = 0 } = mount;
  const { request, secretFolder, signal } = scope.build;
  const { session } = request;
  if (!session?.agents.includes(id)) {
    if (required)
      throw invalid(`--mount=type=ssh: no agent ${id}: tug build takes one with --ssh`, { code: 'no-agent' });
    return { key: ['ssh', id], open: async () => ({}) };
  }
  const target = place ?? `${agentPlace}${number}`;
  return {
    key: ['ssh', id],
    async open(own) {
      fs.mkdirSync(secretFolder, { recursive: true, mode: 0o711 });
      numbers += 1;
      const file = path.join(secretFolder, `agent-${numbers}`);
      own.use(await offerAgent(session, id, { file, mode, uid, gid }, signal));
      return { env: `SSH_AUTH_SOCK=${target}`, mount: bind(file, target, false) };
    },
  };
}

async function cacheMount(mount: RunMount, place: string, scope: Scope): Promise<Prepared> {
  const { build } = scope;
  const { id = place, sharing = 'shared', from, source = '', mode, uid, gid } = mount;
  const base = from === undefined ? undefined : await cacheBase(from, source, scope);
  const key = keyOf('mount', id, ...(base ? [base.key] : []));
  const fill = async (folder: string): Promise<void> => {
    fs.chownSync(folder, uid ?? base?.node.uid ?? 0, gid ?? base?.node.gid ?? 0);
    fs.chmodSync(folder, mode ?? (base ? base.node.mode & 0o7777 : 0o755));
    const content = build.imports.mount(key) ?? base?.content();
    if (content) await writeOut(scope, folder, content);
  };
  return {
    key: ['cache', place, source, ...(base ? [base.key] : [])],
    async open(own) {
      const taken = await build.mounts.take(key, { sharing, description: `cache mount ${id}`, fill }, build.signal);
      own.use(taken);
      build.used.mounts.set(key, taken.folder);
      const part = base ? '' : path.posix.join('/', source).slice(1);
      const subpath = part === '' ? {} : { subpath: requirePart(taken.folder, part) };
      return { mount: { ...bind(taken.folder, place, mount.readonly), own: true, ...subpath } };
    },
  };
}

/** The path, if the cache has it. What it stands for is found anew when it is mounted: others write there meanwhile. @throws not-found. */
function requirePart(cache: string, part: string): string {
  try {
    resolveInRoot(cache, part);
    return part;
  } catch (cause) {
    throw notFound(`--mount=type=cache: "${part}" is not in the cache: not found`, { code: 'no-source', cause });
  }
}

async function bindMount(mount: RunMount, place: string, scope: Scope): Promise<Prepared> {
  const { from, source = '', readonly } = mount;
  const { layers, tree } =
    from === undefined ? { layers: undefined, tree: scope.build.files } : await originOf(from, scope);
  if (!layers) return await contextMount(scope, { tree, source, target: place, readOnly: readonly });
  const made: ContainerMount = {
    ...{ type: 'image', name: 'bind', layers, target: place, mode: '', readOnly: readonly },
    ...(source === '' || source === '/' ? {} : { subpath: source.replace(/^\/+/, '') }),
  };
  const key = ['bind', layers.at(-1), source, place, ...(readonly ? [] : ['rw'])];
  return { key, open: async () => ({ mount: made }) };
}
