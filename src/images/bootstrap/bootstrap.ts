import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import type { BootstrapRequest } from '../../api/types/bootstrap-request.ts';
import { crashPoint } from '../../base/crash-points.ts';
import { invalid, TugError } from '../../base/errors.ts';
import { defaultDomain, familiarName, parseReference } from '../../formats/reference.ts';
import { removeTree } from '../../host/remove-tree.ts';
import type { Image, ImageService, Progress } from '../contract.ts';
import { parseTag } from '../tag.ts';
import { walkMerged } from '../trees/merged.ts';
import { tarStream } from '../trees/tar-stream.ts';
import { runConfined } from './confined.ts';
import { tidy } from './tidy.ts';
import { chooseTool, type FindProgram, type Plan, type Tool, template } from './tools.ts';

export interface BootstrapDeps {
  readonly images: Pick<ImageService, 'import'>;
  /** Folder of this purpose alone, on the engine's data root: a tree lies there while it is made. */
  readonly folder: string;
  readonly findProgram: FindProgram;
}

/** Makes base images from distributions' own packages. */
export interface Bootstrapper {
  /**
   * Runs the distribution's tool, or the client's template, in a new root folder and makes an image of one layer of
   * what it leaves there. Lines it says are told as they come. Nothing is left of a failure, of a cancel, or, after
   * `sweep`, of a kill.
   * @throws invalid for a malformed name, a distribution or a variant that is not known; not-found for a release;
   * unsupported when the tool is not installed; unavailable with the tool's last lines when it fails; exhausted.
   */
  bootstrap(request: BootstrapRequest, progress: Progress, signal: AbortSignal): Promise<Image>;
  /** Removes what a killed engine left. Idempotent. Call it before the first `bootstrap`. */
  sweep(): Promise<void>;
}

export function createBootstrapper(deps: BootstrapDeps): Bootstrapper {
  return {
    async bootstrap(request, progress, signal) {
      const plan = planOf(request, deps.findProgram);
      const tool = request.Template === undefined ? await chooseTool(plan) : undefined;
      const stage = path.join(deps.folder, randomBytes(8).toString('hex'));
      fs.mkdirSync(stage, { recursive: true, mode: 0o700 });
      try {
        const root = await makeTree(
          tool ?? template(plan, stage),
          { stage, tidied: tool !== undefined },
          progress,
          signal,
        );
        crashPoint('image.bootstrap.made');
        const archive = Readable.from(tarStream(walkMerged([root])), { objectMode: false });
        const made = `Bootstrapped ${request.Name} with ${tool?.name ?? 'a template'}`;
        const message = request.Variant === undefined ? made : `${made} (${request.Variant})`;
        const wishes = {
          reference: request.Tag ?? request.Name,
          message,
          changes: changesFor(root),
          platform: undefined,
        };
        return await deps.images.import(archive, wishes, signal);
      } finally {
        await removeTree(stage);
      }
    },
    sweep: () => removeTree(deps.folder),
  };
}

/** Checks the names before anything is made. */
function planOf(request: BootstrapRequest, findProgram: FindProgram): Plan {
  const reference = parseReference(request.Name);
  parseTag(request.Tag ?? request.Name);
  const distribution = familiarName(reference);
  if (request.Template === undefined && (reference.domain !== defaultDomain || distribution.includes('/'))) {
    throw invalid(`${request.Name} is no distribution: name one, as in debian:bookworm, and the image with --tag`);
  }
  return { distribution, suite: reference.tag ?? '', request, findProgram };
}

const lastLines = 6;

/** Has the tool fill a root folder; returns the folder. */
async function makeTree(
  tool: Tool,
  { stage, tidied }: { stage: string; tidied: boolean },
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const root = path.join(stage, 'rootfs');
  fs.mkdirSync(root);
  fs.chmodSync(root, 0o755);
  const began = Date.now();
  const said: string[] = [];
  const onLine = (line: string): void => {
    said.push(line);
    if (said.length > lastLines) said.shift();
    progress({ stream: `${line}\n` });
  };
  const env = { ...baseEnvironment(), ...tool.env, TUG_ROOTFS: root };
  const code = await runConfined({ command: tool.command(root), cwd: stage, env }, onLine, signal);
  if (code !== 0) {
    const words = said.length === 0 ? '' : `:\n${said.join('\n')}`;
    throw new TugError('unavailable', `${tool.name} failed with exit code ${code}${words}`, {
      code: 'bootstrap-failed',
    });
  }
  if (fs.readdirSync(root).length === 0) {
    throw invalid(`${tool.name} left the root folder empty`, { code: 'bootstrap-empty' });
  }
  if (tidied) await tidy(root, began);
  return root;
}

/** Of the engine's own environment, which may have secrets, a program gets the proxies. */
function baseEnvironment(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'DEBOOTSTRAP_DIR'];
  const given = names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
  const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return { PATH, HOME: '/root', LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', ...Object.fromEntries(given) };
}

/** What the image runs by default: its shell. */
function changesFor(root: string): string[] {
  const has = (name: string): boolean =>
    ['bin', 'usr/bin'].some((folder) => fs.lstatSync(path.join(root, folder, name), { throwIfNoEntry: false }));
  const shell = ['bash', 'sh'].find(has);
  return shell === undefined ? [] : [`CMD ["${shell}"]`];
}
