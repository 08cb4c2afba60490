import type { ContainerInspect } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { inspect } from '../../../client/calls/containers.ts';
import { lastLines } from '../../../compose/conditions.ts';
import { serviceHash } from '../../../compose/config-hash.ts';
import { differences } from '../../../compose/explain.ts';
import { type Instance, isRunning, observeProject } from '../../../compose/observe.ts';
import type { Project } from '../../../formats/compose-file/model.ts';
import { didYouMean } from '../../../formats/compose-file/problems.ts';
import type { Session } from '../../command.ts';
import type { ComposeCommand } from './compose-command.ts';
import { originOf } from './origin.ts';

export const command: ComposeCommand = {
  name: 'why',
  usage: 'SERVICE',
  short: 'Say why a service is in the state that it is in',
  flags: [],
  args: { min: 1, max: 1 },
  run: async ({ args: [service = ''] }, session, compose) => {
    const opened = await compose.open();
    const { project } = opened;
    if (!(service in project.services))
      throw invalid(`no such service: ${service}${didYouMean(service, Object.keys(project.services))}`);
    const all = await observeProject(session.engine, project.name);
    const own = all.filter((one) => one.service === service && !one.oneOff);
    const lines = own.length === 0 ? [absence(project, service)] : [];
    for (const instance of own) {
      lines.push(...(await describeInstance(session, instance)));
      if (instance.hash !== serviceHash(project.services[service]!, all)) {
        const fields = await differences(session.engine, project, originOf(opened), instance, all, instance.imageId);
        lines.push('  its definition changed since it was made; "tug compose up" makes it anew');
        for (const { field, from, to } of fields) lines.push(`    ${field}: ${from ?? '(none)'} -> ${to ?? '(none)'}`);
      }
    }
    if (own.length === 0 || own.some((one) => !isRunning(one)))
      lines.push(...(await describeNeeds(session, project, service, all)));
    await session.out.write(lines.map((line) => `${line}\n`).join(''));
    return 0;
  },
};

function absence(project: Project, service: string): string {
  const { profiles } = project.services[service]!;
  const reason = profiles?.length ? ` and is only on with the profile ${profiles.join(' or ')}` : '';
  return `${service} has no container${reason}; "tug compose up ${service}" makes it`;
}

async function describeInstance(session: Session, instance: Instance): Promise<string[]> {
  const found = await inspect(session.engine, instance.id);
  const lines = [`${instance.name}: ${stateOf(found)}`];
  const last = found.State.Health?.Log.at(-1);
  if (found.State.Health?.Status === 'unhealthy' && last)
    lines.push(
      `  its last check ended with exit code ${last.ExitCode}${last.Output.trim() === '' ? '' : `: ${last.Output.trim()}`}`,
    );
  if (found.State.Status === 'exited' && found.State.ExitCode !== 0) {
    const log = await lastLines(session.engine, instance.id, 5).catch(() => []); // its log driver may not be readable
    for (const line of log) lines.push(`  | ${line}`);
  }
  return lines;
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
): Promise<string[]> {
  const needs = Object.entries(project.services[service]?.depends_on ?? {});
  const lines = needs.map(async ([name, { condition }]) => {
    const instances = all.filter((one) => one.service === name && !one.oneOff);
    const states = await Promise.all(
      instances.map(async ({ id, name: container }) => `${container} is ${stateOf(await inspect(session.engine, id))}`),
    );
    return `  it needs ${name} ${wanted[condition]}: ${states.length > 0 ? states.join('; ') : 'which has no container'}`;
  });
  return await Promise.all(lines);
}
