import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict, errnoOf, internal, isKind, notFound, unsupported } from '../../base/errors.ts';
import { readIfThere } from '../../base/read-if-there.ts';
import { type ProgramResult, runProgram } from '../../host/spawn.ts';
import { checkpointArgs, type Runtime, type RuntimeState } from '../contract.ts';
import { runtimeWords } from '../runtime-words.ts';

export interface OciCommandLine {
  readonly name: string;
  /** What is called. */
  readonly path: string;
  /** What containers and execs are run with, in its place: see Runtime.path. */
  readonly runs?: string;
  /** The folder that `--root` names: it holds one folder per container. */
  readonly root: string;
  readonly globalArgs: readonly string[];
  /** See Runtime.limit; two minutes without it, for a machine that is overloaded. */
  readonly limit?: number;
}

const DEFAULT_LIMIT = 120_000;
/** What only reads or takes away takes no longer on any machine that is of use. */
const SHORT_LIMIT = 20_000;

/** A runtime driven by the command line that runc and crun share. Each call but `list` is one process. */
export function createOciRuntime(options: OciCommandLine): Runtime {
  const { name, path, root, globalArgs, limit = DEFAULT_LIMIT } = options;
  const quick = new Set(['--version', 'state', 'delete']);
  const call = (args: readonly string[], input?: string): Promise<ProgramResult> =>
    runProgram(path, [...globalArgs, ...args], {
      ...(input === undefined ? {} : { input }),
      limit: quick.has(args[0] ?? '') ? Math.min(limit, SHORT_LIMIT) : limit,
    });

  async function checked(id: string, args: readonly string[], input?: string): Promise<string> {
    const result = await call(args, input);
    if (result.code !== 0)
      throw failure(name, id, args[0]!, runtimeWords(result.stderr) || `exit status ${result.code}`);
    return result.stdout;
  }

  return {
    name,
    path: options.runs ?? path,
    globalArgs,
    limit,
    version: async () => (await checked('', ['--version'])).split('\n')[0]!.trim(),
    start: async (id) => void (await checked(id, ['start', id])),
    kill: async (id, signal, all = false) =>
      void (await checked(id, ['kill', ...(all ? ['--all'] : []), id, String(signal)])),
    pause: async (id) => void (await checked(id, ['pause', id])),
    resume: async (id) => void (await checked(id, ['resume', id])),
    async delete(id, force) {
      if (!(await keepsAnything(root, id))) return;
      try {
        await checked(id, ['delete', ...(force ? ['--force'] : []), id]);
      } catch (error) {
        if (isKind(error, 'not-found')) return;
        if (force && isKind(error, 'unavailable')) {
          // it hangs: what it keeps is a folder, and the processes end with the control group
          await rm(join(root, id), { recursive: true, force: true });
          return;
        }
        // A runtime that fails at everything (a broken wrapper) has nothing to remove where it made nothing.
        if ((await containersBelow(root)).includes(id)) throw error;
      }
    },
    async state(id) {
      try {
        return parseState(await checked(id, ['state', id]));
      } catch (error) {
        if (isKind(error, 'not-found')) return undefined;
        throw error;
      }
    },
    list: () => containersBelow(root),
    async checkpoint(id, { images, work, exit }) {
      const version = await checked('', ['--version']);
      if (/^crun /.test(version) && !version.includes('+CRIU'))
        throw unsupported(
          `${name} is built without CRIU here: create the container with another runtime (--runtime runc)`,
        );
      const folders = ['--image-path', images, '--work-path', work];
      const args = ['checkpoint', ...folders, ...checkpointArgs, ...(exit ? [] : ['--leave-running']), id];
      const { code, stderr } = await call(args);
      if (code === 0) return;
      const words = [runtimeWords(stderr) || `exit status ${code}`, ...criuErrors(join(work, 'dump.log'))];
      throw failure(name, id, 'checkpoint', words.join('\n'));
    },
    async update(id, resources) {
      // A fresh descriptor of the input, since not every runtime takes "-" for it.
      await checked(id, ['update', '--resources', '/proc/self/fd/0', id], JSON.stringify(resources));
    },
  };
}

/** False when there is nothing to delete: a runtime has not come as far as making anything that bears the id. */
async function keepsAnything(root: string, id: string): Promise<boolean> {
  try {
    return (await readdir(root)).some((name) => name.includes(id));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** What CRIU's log calls errors: the runtimes name the file, which is gone once the container is. */
function criuErrors(log: string): string[] {
  const lines = readIfThere(log)?.split('\n') ?? [];
  return lines.filter((line) => line.includes('Error (')).slice(-5);
}

/** Both runtimes keep one folder per container there, and make it before anything else: no need to ask them. */
async function containersBelow(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => entry.name);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

const statuses = new Set(['creating', 'created', 'running', 'paused', 'stopped']);

function parseState(text: string): RuntimeState {
  const { status, pid } = JSON.parse(text) as { status?: unknown; pid?: unknown };
  if (typeof status !== 'string' || !statuses.has(status))
    throw internal(`the runtime reports no known status: ${text}`);
  return { status: status as RuntimeState['status'], pid: typeof pid === 'number' ? pid : 0 };
}

function failure(name: string, id: string, command: string, words: string): Error {
  const message = `${name} ${command} failed: ${words}`;
  const details = { details: { container: id, runtime: name } };
  if (/does not exist|error opening file .*status|cannot open directory/.test(words)) return notFound(message, details);
  if (/not running|has stopped|no such process|not paused|not in a paused/i.test(words))
    return conflict(message, details);
  return internal(message, details);
}
