import { existsSync } from 'node:fs';
import { isKind, messageOf } from '../base/errors.ts';
import { inspect as inspectImage, remove as removeImage } from '../client/calls/images.ts';
import type { Engine } from '../client/engine.ts';
import type { Project } from '../formats/compose-file/model.ts';
import { forEachLimited } from './graph.ts';
import { runCommand } from './hooks.ts';
import { type Instance, isRunning, observeProject } from './observe.ts';
import { type FilePair, filesBelow, syncFiles } from './sync-files.ts';
import { createBatches, watchFolders } from './watch-folders.ts';
import { isSync, type ReadyRule } from './watch-rules.ts';

/** What a watch works with. */
export interface WatchDeps {
  readonly engine: Engine;
  /** A line for the user. */
  readonly say: (text: string) => Promise<void>;
  /** Builds services anew and makes their containers anew. */
  readonly rebuild: (services: readonly string[]) => Promise<void>;
  readonly restart: (services: readonly string[]) => Promise<void>;
  /** Nothing is changed: what would be copied, removed and run is told. */
  readonly dryRun: boolean;
  /** Aborted when the user has enough. */
  readonly signal: AbortSignal;
}

/** Milliseconds: an editor or git writes several files within the first, and a batch is never put off longer than the second. */
const quiet = 150;
const longest = 2000;

/**
 * Does what the rules say each time that files change, until the signal is aborted. What fails is told of, and the
 * watch goes on. Changes while one batch is worked on make up the next one.
 * @throws what `watchFolders` does, and what the first synchronization meets.
 */
export async function watchProject(deps: WatchDeps, project: Project, rules: readonly ReadyRule[]): Promise<void> {
  const batches = createBatches<string>(quiet, longest);
  const tops = [...new Set(rules.map(({ rule }) => rule.path))];
  const leavesOut = (folder: string): boolean => rules.every((rule) => rule.leavesOut(folder));
  using _watching = watchFolders(tops, leavesOut, (file) => {
    if (rules.some((rule) => rule.covers(file))) batches.add(file);
  });
  await syncFirst(deps, project, rules);
  await deps.say('Watch enabled');
  for (let files = await batches.next(deps.signal); files; files = await batches.next(deps.signal))
    try {
      await handleBatch(deps, project, rules, files);
    } catch (error) {
      if (deps.signal.aborted) break;
      await deps.say(`Error handling changed files: ${messageOf(error)}`);
    }
  await deps.say('Watch disabled');
}

/** Brings the files of rules with `initial_sync` into the containers. */
async function syncFirst(deps: WatchDeps, project: Project, rules: readonly ReadyRule[]): Promise<void> {
  for (const one of rules) {
    if (!one.rule.initial_sync || !isSync(one.rule)) continue;
    const files = filesBelow(one.rule.path, (folder) => one.leavesOut(folder)).filter((file) => one.covers(file));
    if (files.length > 0) await syncService(deps, project, one.service, pairsOf(one, files));
  }
}

const pairsOf = (rule: ReadyRule, files: readonly string[]): FilePair[] =>
  files.flatMap((from) => {
    const to = rule.placeOf(from);
    return to === undefined ? [] : [{ from, to }];
  });

async function handleBatch(
  deps: WatchDeps,
  project: Project,
  rules: readonly ReadyRule[],
  files: readonly string[],
): Promise<void> {
  const met = rules
    .map((rule) => ({ rule, files: files.filter((file) => rule.covers(file)) }))
    .filter((one) => one.files.length > 0);
  const servicesOf = (...actions: string[]): string[] => [
    ...new Set(met.filter(({ rule }) => actions.includes(rule.rule.action)).map(({ rule }) => rule.service)),
  ];
  const rebuilt = servicesOf('rebuild');
  if (rebuilt.length > 0) await deps.rebuild(rebuilt);
  const synced = servicesOf('sync', 'sync+restart', 'sync+exec');
  for (const service of synced) {
    const own = met.filter(({ rule }) => rule.service === service && isSync(rule.rule));
    const pairs = own.flatMap(({ rule, files: some }) => pairsOf(rule, some));
    await deps.say(`Syncing service ${JSON.stringify(service)} after ${pairs.length} changes were detected`);
    await syncService(deps, project, service, pairs);
  }
  const restarted = servicesOf('restart', 'sync+restart');
  if (restarted.length > 0) {
    await deps.restart(restarted);
    await deps.say(`service(s) ${JSON.stringify(restarted)} restarted`);
  }
  for (const { rule } of met) if (rule.rule.action === 'sync+exec' && rule.rule.exec) await runIn(deps, project, rule);
}

async function runningOf(engine: Engine, project: string, name: string): Promise<Instance[]> {
  const all = await observeProject(engine, project);
  return all.filter((one) => one.service === name && !one.oneOff && isRunning(one));
}

async function syncService(
  deps: WatchDeps,
  project: Project,
  service: string,
  pairs: readonly FilePair[],
): Promise<void> {
  if (deps.dryRun) return await tellFiles(deps, service, pairs);
  const instances = await runningOf(deps.engine, project.name, service);
  await forEachLimited(instances, (instance) => syncFiles(deps.engine, instance, pairs));
}

async function tellFiles({ say }: WatchDeps, service: string, pairs: readonly FilePair[]): Promise<void> {
  for (const { from, to } of pairs)
    await say(existsSync(from) ? `Copying ${from} to ${service}:${to}` : `Removing ${service}:${to}`);
}

/** Runs a rule's command in each container of its service; a command that fails is told of. */
async function runIn(deps: WatchDeps, project: Project, { service, rule }: ReadyRule): Promise<void> {
  if (deps.dryRun) return await deps.say(`Executing command ${JSON.stringify(rule.exec!.command)} in ${service}`);
  for (const instance of await runningOf(deps.engine, project.name, service)) {
    const { code, output } = await runCommand(deps.engine, instance, rule.exec!);
    if (output !== '') await deps.say(output);
    if (code !== 0) await deps.say(`${JSON.stringify(rule.exec!.command.join(' '))} ended with exit code ${code}`);
  }
}

/** Removes an image that a newer one has taken the name of, unless something still uses it. */
export async function pruneImage(engine: Engine, id: string): Promise<void> {
  try {
    const { RepoTags } = await inspectImage(engine, id);
    if ((RepoTags ?? []).length === 0) await removeImage(engine, id, { force: false, noPrune: false, platforms: [] });
  } catch (error) {
    if (!isKind(error, 'not-found') && !isKind(error, 'conflict')) throw error;
  }
}
