import process from 'node:process';
import type { ComposeDeps } from '../../../compose/deps.ts';
import type { PretendEngine } from '../../../compose/pretend.ts';
import { lockProject } from '../../../compose/project-lock.ts';
import type { Session } from '../../command.ts';
import { pullImage } from '../image/pull-image.ts';
import { buildImage } from './build-image.ts';
import type { ComposeContext } from './compose-command.ts';
import { createProgressView } from './progress-view.ts';

export interface Orchestration {
  readonly deps: ComposeDeps;
  /** Gives up: what is being done is ended, and nothing new begun. */
  readonly abort: () => void;
}

export interface OrchestrationOptions {
  /** What the table on a terminal is headed with. */
  readonly title: string;
  readonly quiet?: boolean;
  /** False where the command changes nothing that another one could change too. */
  readonly locked?: boolean;
}

/**
 * Does something that changes a project: one command at a time for each project, its progress shown, Ctrl-C taken as
 * the wish to begin nothing new.
 */
export async function orchestrate<T>(
  session: Session,
  compose: ComposeContext,
  project: string,
  options: OrchestrationOptions,
  work: (deps: ComposeDeps) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const giveUp = (): void => controller.abort(new Error('canceled'));
  const isDry = compose.globals.bool('dry-run');
  const view = createProgressView(compose.globals, session, options.title, options.quiet);
  process.on('SIGINT', giveUp).on('SIGTERM', giveUp);
  try {
    using _lock =
      options.locked === false || isDry
        ? undefined
        : await lockProject(
            session.engine.endpoint.display,
            project,
            () => sayWaiting(session, project),
            controller.signal,
          );
    return await work(depsOf(session, compose, view.report, controller.signal));
  } finally {
    process.off('SIGINT', giveUp).off('SIGTERM', giveUp);
    await view.finish();
  }
}

function sayWaiting(session: Session, project: string): void {
  session.err.write(`Another command is changing project ${project}; waiting for it to end\n`).catch(() => {});
}

export function depsOf(
  session: Session,
  compose: ComposeContext,
  report: ComposeDeps['report'],
  signal: AbortSignal,
): ComposeDeps {
  return {
    engine: session.engine,
    report,
    warn: (text) => void session.err.write(`WARN: ${text}\n`).catch(() => {}),
    ...fetching(session),
    dryRun: compose.globals.bool('dry-run'),
    signal,
    parallel: parallelOf(session, compose),
  };
}

/** How images are had; of an engine that only pretends, in appearance. */
function fetching(session: Session): Pick<ComposeDeps, 'pull' | 'build'> {
  const { engine } = session;
  if ('addImage' in engine) {
    const { addImage } = engine as PretendEngine;
    return { pull: async (image) => addImage(image), build: async ({ image }) => addImage(image) };
  }
  return {
    pull: async (image, platform) => void (await pullImage(session, image, { platform, out: undefined })),
    build: (request) => buildImage(session, request),
  };
}

function parallelOf(session: Session, compose: ComposeContext): number {
  if (compose.globals.given('parallel')) return compose.globals.int('parallel');
  const given = Number(session.env['COMPOSE_PARALLEL_LIMIT']);
  return Number.isInteger(given) && given !== 0 ? given : -1;
}
