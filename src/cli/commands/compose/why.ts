import type { ContainerInspect } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { inspect } from '../../../client/calls/containers.ts';
import { lastLines } from '../../../compose/conditions.ts';
import { serviceHash } from '../../../compose/config-hash.ts';
import { differences } from '../../../compose/explain.ts';
import type { FieldChange } from '../../../compose/field-changes.ts';
import { type Instance, isRunning, observeProject } from '../../../compose/observe.ts';
import type { Condition, Project } from '../../../formats/compose-file/model.ts';
import { didYouMean } from '../../../formats/compose-file/problems.ts';
import type { Session } from '../../command.ts';
import type { ComposeCommand } from './compose-command.ts';
import { originOf } from './origin.ts';

/** Why a service is as it is. */
interface Reasons {
  readonly service: string;
  /** Why it has no container. */
  readonly absent?: string;
  readonly containers: readonly {
    readonly name: string;
    readonly state: string;
    readonly lastCheck?: string;
    readonly log: readonly string[];
    /** What is otherwise in the files by now; undefined where all is as they say. */
    readonly changed?: readonly FieldChange[];
  }[];
  /** What it needs, where something of it does not run. */
  readonly needs: readonly { readonly service: string; readonly condition: Condition; readonly state: string }[];
}

export const command: ComposeCommand = {
  name: 'why',
  usage: '[OPTIONS] SERVICE',
  short: 'Say why a service is in the state that it is in',
  flags: [{ long: 'format', kind: 'string', default: 'pretty', description: 'pretty or json' }],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [service = ''] }, session, compose) => {
    const format = flags.string('format');
    if (format !== 'pretty' && format !== 'json') throw invalid(`unsupported format: ${format}, it is pretty or json`);
    const opened = await compose.open();
    const { project } = opened;
    if (!(service in project.services))
      throw invalid(`no such service: ${service}${didYouMean(service, Object.keys(project.services))}`);
    const all = await observeProject(session.engine, project.name);
    const own = all.filter((one) => one.service === service && !one.oneOff);
    const hash = serviceHash(project.services[service]!, all);
    const containers = own.map(async (instance) => {
      const described = await describeInstance(session, instance);
      if (instance.hash === hash) return described;
      const { engine } = session;
      return {
        ...described,
        changed: await differences(engine, project, originOf(opened), instance, all, instance.imageId),
      };
    });
    const stands = own.length === 0 || own.some((one) => !isRunning(one));
    const reasons: Reasons = {
      service,
      ...(own.length === 0 ? { absent: absence(project, service) } : {}),
      containers: await Promise.all(containers),
      needs: stands ? await describeNeeds(session, project, service, all) : [],
    };
    await session.out.write(format === 'json' ? `${JSON.stringify(reasons)}\n` : textOf(reasons));
    return 0;
  },
};

function textOf({ absent, containers, needs }: Reasons): string {
  const lines = [
    ...(absent === undefined ? [] : [absent]),
    ...containers.flatMap(({ name, state, lastCheck, log, changed }) => [
      `${name}: ${state}`,
      ...(lastCheck === undefined ? [] : [`  its last check ${lastCheck}`]),
      ...log.map((line) => `  | ${line}`),
      ...(changed ? ['  its definition changed since it was made; "tug compose up" makes it anew'] : []),
      ...(changed ?? []).map(({ field, from, to }) => `    ${field}: ${from ?? '(none)'} -> ${to ?? '(none)'}`),
    ]),
    ...needs.map(({ service, condition, state }) => `  it needs ${service} ${wanted[condition]}: ${state}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function absence(project: Project, service: string): string {
  const { profiles } = project.services[service]!;
  const reason = profiles?.length ? ` and is only on with the profile ${profiles.join(' or ')}` : '';
  return `${service} has no container${reason}; "tug compose up ${service}" makes it`;
}

async function describeInstance(session: Session, instance: Instance): Promise<Reasons['containers'][number]> {
  const { State: state, ...found } = await inspect(session.engine, instance.id);
  const last = state.Health?.Status === 'unhealthy' ? state.Health.Log.at(-1) : undefined;
  const said = last?.Output.trim() ?? '';
  const failed = state.Status === 'exited' && state.ExitCode !== 0;
  return {
    name: instance.name,
    state: stateOf({ ...found, State: state }),
    ...(last ? { lastCheck: `ended with exit code ${last.ExitCode}${said === '' ? '' : `: ${said}`}` } : {}),
    // its log driver may not be readable
    log: failed ? await lastLines(session.engine, instance.id, 5).catch(() => []) : [],
  };
}

function stateOf({ State: state, RestartCount: restarts }: ContainerInspect): string {
  const again = restarts > 0 ? `, after ${restarts} restart${restarts === 1 ? '' : 's'}` : '';
  if (state.Status === 'created') return 'made and never started';
  if (state.Paused) return `paused${again}`;
  if (state.Restarting) return `waiting to be restarted, its last exit code was ${state.ExitCode}${again}`;
  if (state.Running) return `running${state.Health ? `, ${state.Health.Status}` : ''}${again}`;
  const why = state.OOMKilled ? ', killed for want of memory' : state.Error === '' ? '' : `: ${state.Error}`;
  return `ended with exit code ${state.ExitCode}${why}${again}`;
}

const wanted = {
  service_started: 'to be started',
  service_healthy: 'to be healthy',
  service_completed_successfully: 'to end successfully',
} as const;

async function describeNeeds(
  session: Session,
  project: Project,
  service: string,
  all: readonly Instance[],
): Promise<Reasons['needs']> {
  const needs = Object.entries(project.services[service]?.depends_on ?? {});
  return await Promise.all(
    needs.map(async ([name, { condition }]) => {
      const instances = all.filter((one) => one.service === name && !one.oneOff);
      const states = await Promise.all(
        instances.map(
          async ({ id, name: container }) => `${container} is ${stateOf(await inspect(session.engine, id))}`,
        ),
      );
      return { service: name, condition, state: states.length > 0 ? states.join('; ') : 'which has no container' };
    }),
  );
}
