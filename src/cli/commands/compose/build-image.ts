import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { invalid, messageOf, TugError } from '../../../base/errors.ts';
import { imageOf } from '../../../compose/container-request.ts';
import type { BuildRequest } from '../../../compose/deps.ts';
import { refuseBuildKeys, unheededBuildKeys } from '../../../compose/unsupported.ts';
import { dockerfilePath } from '../../../formats/compose-file/build-shape.ts';
import type { BuildModel, Project } from '../../../formats/compose-file/model.ts';
import type { Session } from '../../command.ts';
import type { Output } from '../../output/output.ts';
import { delegate } from './delegate.ts';

/**
 * Builds a service's image with `tug build`. What the build says is shown as it comes, or, with `quiet`, only when it
 * fails. @throws naming the service.
 */
export async function buildImage(session: Session, request: BuildRequest): Promise<void> {
  const { command } = await import('../image/build.ts');
  const said: Buffer[] = [];
  const sink: Output = request.quiet
    ? { fd: 2, isTerminal: false, columns: undefined, write: async (data) => void said.push(Buffer.from(data)) }
    : session.err;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-build-'));
  try {
    const argv = buildLine(request, folder);
    for (const text of unheededBuildKeys(request.service, request.model.build ?? {}))
      await session.err.write(`WARN: ${text}\n`);
    const { engine, config, contextName, configFolder, env } = session;
    const code = await delegate(command, argv, {
      engine,
      config,
      contextName,
      configFolder,
      env,
      out: sink,
      err: sink,
    });
    if (code !== 0) throw invalid(`the build ended with exit code ${code}`);
  } catch (error) {
    if (error instanceof TugError && error.kind === 'cancelled') throw error;
    const text = Buffer.concat(said).toString().trimEnd();
    throw new TugError(
      error instanceof TugError ? error.kind : 'internal',
      `service "${request.service}": ${messageOf(error)}${text === '' ? '' : `\n${text}`}`,
      {
        cause: error,
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param folder for a Dockerfile that the compose file holds itself. */
function buildLine({ model, image, project, service, noCache, pull, args }: BuildRequest, folder: string): string[] {
  const build = model.build;
  if (!build) throw invalid(`service "${service}" has no build`);
  refuseBuildKeys(service, build);
  const context = build.context ?? '.';
  let dockerfile = dockerfilePath(context, build.dockerfile ?? 'Dockerfile');
  if (build.dockerfile_inline !== undefined) {
    dockerfile = path.join(folder, 'Dockerfile');
    writeFileSync(dockerfile, build.dockerfile_inline);
  }
  const platform = model.platform ?? build.platforms?.[0];
  return [
    '--progress=plain',
    `--file=${dockerfile}`,
    ...[image, ...(build.tags ?? [])].map((tag) => `--tag=${tag}`),
    ...Object.entries(build.args ?? {}).flatMap(([name, value]) =>
      value === null ? [] : [`--build-arg=${name}=${value}`],
    ),
    ...(args ?? []).map((one) => `--build-arg=${one}`),
    ...Object.entries(build.labels ?? {}).map(([name, value]) => `--label=${name}=${value}`),
    ...Object.entries(build.extra_hosts ?? {}).flatMap(([host, list]) =>
      list.map((one) => `--add-host=${host}:${one}`),
    ),
    ...Object.entries(build.additional_contexts ?? {}).map(
      ([name, value]) => `--build-context=${name}=${contextAt(project, value)}`,
    ),
    ...Object.entries(build.ulimits ?? {}).map(
      ([name, one]) => `--ulimit=${name}=${typeof one === 'number' ? one : `${one.soft}:${one.hard}`}`,
    ),
    ...Object.entries(build.ssh ?? {}).map(([name, socket]) => `--ssh=${socket ? `${name}=${socket}` : name}`),
    ...(build.cache_from ?? []).map((one) => `--cache-from=${one}`),
    ...(build.cache_to ?? []).map((one) => `--cache-to=${one}`),
    ...secretOptions(build, project),
    ...[...(build.entitlements ?? []), ...(build.privileged ? ['security.insecure'] : [])].map(
      (one) => `--allow=${one}`,
    ),
    ...(build.provenance === undefined ? [] : [`--provenance=${build.provenance}`]),
    ...(build.network === undefined ? [] : [`--network=${build.network}`]),
    ...(build.target === undefined ? [] : [`--target=${build.target}`]),
    ...(build.shm_size === undefined ? [] : [`--shm-size=${build.shm_size}`]),
    ...(platform === undefined ? [] : [`--platform=${platform}`]),
    ...((noCache ?? false) || build.no_cache ? ['--no-cache'] : []),
    ...((pull ?? false) || build.pull ? ['--pull'] : []),
    context,
  ];
}

/** A service stands for its image. */
function contextAt(project: Project, value: string): string {
  const [, service] = /^service:(.+)$/.exec(value) ?? [];
  const model = service === undefined ? undefined : project.services[service];
  return service === undefined || model === undefined ? value : `docker-image://${imageOf(project, service, model)}`;
}

function secretOptions(build: BuildModel, project: Project): string[] {
  return (build.secrets ?? []).map(({ source, target }) => {
    const secret = project.secrets[source];
    if (!secret) throw invalid(`build refers to undefined secret ${source}`);
    const id = target ?? source;
    if (secret.environment !== undefined) return `--secret=id=${id},env=${secret.environment}`;
    if (secret.file !== undefined) return `--secret=id=${id},src=${secret.file}`;
    throw invalid(`secret ${source} has neither a file nor an environment variable`);
  });
}
