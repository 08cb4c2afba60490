import { messageOf } from '../../../base/errors.ts';
import type { ProjectOrigin } from '../../../compose/container-request.ts';
import { imageOf } from '../../../compose/container-request.ts';
import { restartServices, withDependents } from '../../../compose/lifecycle.ts';
import { observeProject } from '../../../compose/observe.ts';
import { findImage } from '../../../compose/project-images.ts';
import { prepare, startAll, type UpOptions } from '../../../compose/up.ts';
import { pruneImage, watchProject } from '../../../compose/watch.ts';
import { type ReadyRule, watchRules } from '../../../compose/watch-rules.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
import type { Session } from '../../command.ts';
import type { ComposeContext } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';

/** What is watched, and how it was brought up. */
export interface Watching {
  readonly session: Session;
  readonly compose: ComposeContext;
  readonly project: Project;
  /** With the services of all profiles. */
  readonly whole: Project;
  readonly origin: ProjectOrigin;
  readonly lookup: (name: string) => string | undefined;
  readonly up: UpOptions;
  readonly rules: readonly ReadyRule[];
  /** Images that a newer one took the name of are removed. */
  readonly prune: boolean;
  /** Nothing is told of builds. */
  readonly quiet: boolean;
}

/** The rules of the services that `up` is about. @throws invalid, where there are none too. */
export const rulesFor = (session: Session, project: Project, services: readonly string[]): ReadyRule[] =>
  watchRules(project, services, (text) => void session.err.write(`WARN: ${text}\n`).catch(() => {}));

/** Watches until the signal is aborted. @param say a line for the user. */
export async function runWatch(
  watching: Watching,
  say: (text: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { session, compose, project } = watching;
  await watchProject(
    {
      engine: session.engine,
      say,
      signal,
      dryRun: compose.globals.bool('dry-run'),
      rebuild: (services) => rebuild(watching, say, services),
      restart: (services) =>
        orchestrate(session, compose, project.name, { title: 'Restarting' }, async (deps) => {
          const all = (await observeProject(deps.engine, project.name)).filter(({ oneOff }) => !oneOff);
          await restartServices(deps, withDependents(all, services), undefined);
        }),
    },
    project,
    watching.rules,
  );
}

async function rebuild(
  { session, compose, project, whole, origin, lookup, up, prune, quiet }: Watching,
  say: (text: string) => Promise<void>,
  services: readonly string[],
): Promise<void> {
  const names = JSON.stringify(services);
  await say(`Rebuilding service(s) ${names} after changes were detected...`);
  const options: UpOptions = { ...up, services, named: services, build: true, forceRecreate: true, wait: false };
  const imageIds = async (): Promise<(string | undefined)[]> =>
    await Promise.all(
      services.map(
        async (name) => (await findImage(session.engine, imageOf(project, name, project.services[name]!)))?.id,
      ),
    );
  const before = await imageIds();
  await orchestrate(session, compose, project.name, { title: 'Rebuilding', quiet }, async (deps) => {
    const world = await prepare({ ...deps, signal: deps.signal }, project, origin, lookup, options, whole).catch(
      async (error: unknown) => {
        await say(`Build failed. Error: ${messageOf(error)}`);
        throw error;
      },
    );
    await say(`service(s) ${names} successfully built`);
    await startAll(deps, world, options);
  });
  const after = await imageIds();
  if (!prune) return;
  for (const [at, id] of before.entries())
    if (id !== undefined && id !== after[at]) await pruneImage(session.engine, id);
}
