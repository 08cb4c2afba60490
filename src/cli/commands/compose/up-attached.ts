import process from 'node:process';
import { messageOf } from '../../../base/errors.ts';
import { kill } from '../../../client/calls/containers.ts';
import { instanceMade, type World } from '../../../compose/converge.ts';
import { copyLog, lastEnd, type ProjectEvent, projectEvents } from '../../../compose/follow-logs.ts';
import { stopServices } from '../../../compose/lifecycle.ts';
import { type Instance, isRunning } from '../../../compose/observe.ts';
import { ownInstances, startAll, type UpOptions } from '../../../compose/up.ts';
import type { Session } from '../../command.ts';
import type { ComposeContext } from './compose-command.ts';
import { createLogPrinter, type LogPrinter } from './log-printer.ts';
import { depsOf, orchestrate } from './orchestrate.ts';
import { usesColour } from './progress-view.ts';
import type { AttachOptions } from './up.ts';
import { runWatch, type Watching } from './watching.ts';

/** What is known while containers are watched. */
interface Watch {
  readonly session: Session;
  readonly world: World;
  readonly printer: LogPrinter;
  readonly options: AttachOptions;
  /** Its files are watched too: containers are made anew meanwhile, and it does not end with the last of them. */
  readonly watching: Watching | undefined;
  readonly running: Set<string>;
  /** Containers that ended since this began, and did not start again. */
  readonly over: Set<string>;
  /** The copying of each container's output, by its id. */
  readonly copies: Map<string, Promise<void>>;
  /** When each container ended last: what it wrote before is not shown. */
  readonly ends: Map<string, string>;
  readonly finished: PromiseWithResolvers<Ending>;
  started: boolean;
}

interface Ending {
  readonly why: 'all ended' | 'one ended' | 'interrupted';
  readonly code: number;
}

/**
 * Starts what was made and shows its output until all has ended, or the user gives up (Ctrl-C): then everything is
 * stopped, at the second Ctrl-C killed.
 */
export async function runAttached(
  session: Session,
  compose: ComposeContext,
  world: World,
  up: UpOptions,
  options: AttachOptions,
  watching?: Watching,
): Promise<number> {
  const instances = ownInstances(world, up.services);
  const colour = options.colour && usesColour(compose.globals, session);
  const printer = createLogPrinter(session, { project: world.project.name, prefix: options.prefix, colour });
  const shown = instances.filter(({ service }) => options.services.includes(service));
  printer.expect(shown);
  if (shown.length > 0)
    await session.out.write(`Attaching to ${shown.map(({ name }) => printedName(world, name)).join(', ')}\n`);
  const watch: Watch = {
    session,
    world,
    printer,
    options,
    watching,
    running: new Set(instances.filter(isRunning).map(({ id }) => id)),
    over: new Set(),
    copies: new Map(),
    ends: await endsOf(session, instances),
    finished: Promise.withResolvers(),
    started: false,
  };
  const onSignal = (): void => watch.finished.resolve({ why: 'interrupted', code: 130 });
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const events = await projectEvents(session.engine, world.project.name);
    const following = followEvents(watch, events, instances);
    for (const instance of shown.filter(isRunning)) showFrom(watch, instance, '0');
    const starting = startAll(
      depsOf(session, compose, () => {}, abortedBy(watch)),
      world,
      up,
    ).then(() => {
      watch.started = true;
      if (watching)
        void runWatch(watching, printer.note, abortedBy(watch)).catch((error: unknown) => watch.finished.reject(error));
      // events of starts may be on their way yet: what has not been told to have ended runs
      for (const { id } of instances) if (!watch.over.has(id)) watch.running.add(id);
      endIfIdle(watch);
    });
    const ending = await Promise.race([watch.finished.promise, starting.then(() => watch.finished.promise), following]);
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    if (ending.why !== 'all ended') await starting.catch(() => {}); // what it was about to start is stopped too
    if (ending.why !== 'all ended') await stopAll(session, compose, world, up, ending);
    await settled([...watch.copies.values()]);
    return await exitCode(watch, ending);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

const printedName = (world: World, name: string): string =>
  name.startsWith(`${world.project.name}-`) ? name.slice(world.project.name.length + 1) : name;

function abortedBy(watch: Watch): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  void watch.finished.promise.then(abort, abort);
  return controller.signal;
}

async function endsOf({ engine }: Session, instances: readonly Instance[]): Promise<Map<string, string>> {
  const stopped = instances.filter((instance) => !isRunning(instance) && instance.state !== 'created');
  const ends = await Promise.all(stopped.map(async ({ id }) => [id, await lastEnd(engine, id)] as const));
  return new Map(ends.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

async function followEvents(
  watch: Watch,
  events: AsyncGenerator<ProjectEvent, void>,
  instances: readonly Instance[],
): Promise<Ending> {
  const byId = new Map(instances.map((instance) => [instance.id, instance]));
  for await (const event of events) {
    const instance = byId.get(event.id) ?? madeAnew(watch, event);
    if (!instance) continue;
    byId.set(event.id, instance);
    if (event.action === 'start') {
      watch.running.add(event.id);
      watch.over.delete(event.id);
      if (watch.options.services.includes(instance.service)) showFrom(watch, instance, 'all', watch.ends.get(event.id));
    } else if (event.action === 'die') {
      watch.running.delete(event.id);
      watch.over.add(event.id);
      watch.ends.set(event.id, event.time);
      await noteEnd(watch, instance, event.exitCode ?? 0);
    }
  }
  return await watch.finished.promise;
}

/** A container that the watching made in place of another one. */
function madeAnew({ world, watching }: Watch, { id, name, service, number }: ProjectEvent): Instance | undefined {
  if (!watching?.up.services.includes(service)) return undefined;
  return instanceMade(id, name, world.project.name, service, number, {}, '');
}

function showFrom(watch: Watch, instance: Instance, tail: string, since?: string): void {
  const options = { follow: true, since, until: undefined, tail, timestamps: watch.options.timestamps };
  const before = watch.copies.get(instance.id);
  const copy = (before ?? Promise.resolve())
    .then(() => copyLog(watch.session.engine, instance, options, watch.printer))
    .catch((error: unknown) => watch.printer.say(instance, `its output cannot be shown: ${messageOf(error)}`));
  watch.copies.set(instance.id, copy);
}

const patience = 10_000;

/** The copies of containers that have ended end by themselves; what never ends is not waited for for ever. */
async function settled(copies: readonly Promise<void>[]): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, patience);
  await Promise.race([Promise.all(copies), late.promise]);
  clearTimeout(timer);
}

async function noteEnd(watch: Watch, instance: Instance, code: number): Promise<void> {
  const { abortOn, exitCodeFrom } = watch.options;
  // what it said last comes first
  const copy = watch.copies.get(instance.id);
  if (copy) await settled([copy]);
  await watch.printer.say(instance, `exited with code ${code}`);
  const decides = exitCodeFrom === undefined || instance.service === exitCodeFrom;
  if (abortOn === 'exit' || (abortOn === 'failure' && code !== 0))
    watch.finished.resolve({ why: 'one ended', code: decides ? code : -1 });
  endIfIdle(watch);
}

function endIfIdle(watch: Watch): void {
  if (watch.started && watch.running.size === 0 && !watch.watching)
    watch.finished.resolve({ why: 'all ended', code: 0 });
}

async function stopAll(
  session: Session,
  compose: ComposeContext,
  world: World,
  up: UpOptions,
  ending: Ending,
): Promise<void> {
  const text =
    ending.why === 'interrupted'
      ? 'Gracefully Stopping... press Ctrl+C again to force\n'
      : 'Aborting on container exit...\n';
  await session.err.write(text);
  const force = (): void => {
    for (const { id } of ownInstances(world, up.services)) void kill(session.engine, id, undefined).catch(() => {}); // may have ended
  };
  process.on('SIGINT', force).on('SIGTERM', force);
  try {
    await orchestrate(session, compose, world.project.name, { title: 'Stopping' }, (deps) =>
      stopServices({ ...deps, signal: new AbortController().signal }, world.project.name, up.services, up.timeout),
    );
  } finally {
    process.off('SIGINT', force).off('SIGTERM', force);
  }
}

/** The code of the service that decides; it may have been stopped because another one ended. */
async function exitCode({ session, world, options }: Watch, ending: Ending): Promise<number> {
  if (ending.why === 'interrupted') return 130;
  if (options.exitCodeFrom === undefined) return ending.code;
  const { inspect } = await import('../../../client/calls/containers.ts');
  const decider = world.instances.find(({ service, oneOff }) => service === options.exitCodeFrom && !oneOff);
  if (!decider) return ending.code;
  return (await inspect(session.engine, decider.id)).State.ExitCode;
}
