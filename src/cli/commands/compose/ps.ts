import { invalid } from '../../../base/errors.ts';
import { shortId } from '../../../base/ids.ts';
import { type Instance, isRunning, observeProject } from '../../../compose/observe.ts';
import { ellipsis, formatCommand } from '../../../formats/command-line.ts';
import { humanDuration } from '../../../formats/duration.ts';
import type { ParsedFlags } from '../../flags.ts';
import { type Listing, printListing } from '../../output/listing.ts';
import { localTime } from '../../output/text.ts';
import { describePorts } from '../container/ports-text.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { projectIfThere } from './project-if-there.ts';

const states = ['paused', 'restarting', 'removing', 'running', 'dead', 'created', 'exited'];

export const command: ComposeCommand = {
  name: 'ps',
  usage: '[OPTIONS] [SERVICE...]',
  short: "List the project's containers",
  flags: [
    { long: 'all', short: 'a', kind: 'bool', description: 'Show stopped containers too, and those that run made' },
    { long: 'filter', kind: 'list', description: 'Show only what has this property (status=STATE)' },
    { long: 'format', kind: 'string', default: 'table', description: 'table, json, or a Go template' },
    { long: 'no-trunc', kind: 'bool', description: 'Shorten nothing' },
    {
      long: 'orphans',
      kind: 'bool',
      default: 'true',
      description: 'Show containers of services that the files no longer have',
    },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Only show ids' },
    { long: 'services', kind: 'bool', description: 'Only show the names of services' },
    { long: 'status', kind: 'list', description: 'Show only containers in this state' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const name = await compose.name();
    const project = await projectIfThere(compose);
    checkServices(project, args);
    const all = await observeProject(session.engine, name);
    const wanted = statesOf(flags);
    const shown = all.filter(
      (one) =>
        (args.length === 0 || args.includes(one.service)) &&
        (wanted.length > 0 ? wanted.includes(one.state) : flags.bool('all') || (isRunning(one) && !one.oneOff)) &&
        (flags.bool('orphans') || !project || one.service in project.services),
    );
    const format = flags.string('format');
    const { out } = session;
    if (flags.bool('quiet')) await out.write(shown.map(({ id }) => `${id}\n`).join(''));
    else if (flags.bool('services')) await out.write([...new Set(shown.map(({ service }) => `${service}\n`))].join(''));
    else if (format === 'json') await out.write(shown.map((one) => `${JSON.stringify(jsonOf(one))}\n`).join(''));
    else await printListing(out, format === 'table' ? '' : format, listing(!flags.bool('no-trunc')), shown);
    return 0;
  },
};

function statesOf(flags: ParsedFlags): string[] {
  const filters = flags.list('filter').map((text) => {
    const [key = '', value = ''] = text.split('=');
    if (key !== 'status') throw invalid(`unknown filter: ${key}`);
    return value;
  });
  const given = [...filters, ...flags.list('status')];
  for (const state of given)
    if (!states.includes(state))
      throw invalid(`unknown status ${JSON.stringify(state)}: it is one of ${states.join(', ')}`);
  return given;
}

const listing = (truncate: boolean): Listing<Instance> => ({
  columns: ['Name', 'Image', 'Command', 'Service', 'RunningFor', 'Status', 'Ports'],
  fields: {
    Name: { header: 'NAME', value: (one) => one.name },
    ID: { header: 'CONTAINER ID', value: (one) => (truncate ? shortId(one.id) : one.id) },
    Image: { header: 'IMAGE', value: (one) => one.image },
    Command: {
      header: 'COMMAND',
      value: (one) => formatCommand(one.summary?.Command ?? '', !truncate),
    },
    Service: { header: 'SERVICE', value: (one) => one.service },
    Project: { header: 'PROJECT', value: (one) => one.project },
    RunningFor: { header: 'CREATED', value: (one) => `${humanDuration((Date.now() / 1000 - one.created) * 1e9)} ago` },
    CreatedAt: { header: 'CREATED AT', value: (one) => localTime(one.created) },
    Status: { header: 'STATUS', value: (one) => one.status },
    State: { header: 'STATE', value: (one) => one.state },
    Health: { header: 'HEALTH', value: (one) => healthOf(one) },
    ExitCode: { header: 'EXIT CODE', value: (one) => String(exitCodeOf(one)) },
    Ports: { header: 'PORTS', value: (one) => describePorts(one.ports) },
    Names: { header: 'NAMES', value: (one) => one.name },
    Labels: { header: 'LABELS', value: (one) => labelText(one) },
    Networks: { header: 'NETWORKS', value: (one) => networksOf(one) },
  },
});

const healthOf = ({ health }: Instance): string => (health === 'none' ? '' : health);
const exitCodeOf = ({ status }: Instance): number => Number(/^Exited \((\d+)\)/.exec(status)?.[1] ?? 0);
const labelText = ({ labels }: Instance): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
const networksOf = ({ summary }: Instance): string => Object.keys(summary?.NetworkSettings?.Networks ?? {}).join(',');

function jsonOf(one: Instance): object {
  const mounts = one.summary?.Mounts ?? [];
  return {
    Command: formatCommand(one.summary?.Command ?? '', false),
    CreatedAt: localTime(one.created),
    ExitCode: exitCodeOf(one),
    Health: healthOf(one),
    ID: shortId(one.id),
    Image: one.image,
    Labels: labelText(one),
    LocalVolumes: String(mounts.filter(({ Driver }) => Driver === 'local').length),
    Mounts: mounts.map(({ Name, Source }) => ellipsis(Name || Source, 15)).join(','),
    Name: one.name,
    Names: one.name,
    Networks: networksOf(one),
    Ports: describePorts(one.ports),
    Project: one.project,
    Publishers: one.ports.map(({ IP, PrivatePort, PublicPort, Type }) => ({
      URL: IP ?? '',
      TargetPort: PrivatePort,
      PublishedPort: PublicPort ?? 0,
      Protocol: Type,
    })),
    RunningFor: `${humanDuration((Date.now() / 1000 - one.created) * 1e9)} ago`,
    Service: one.service,
    State: one.state,
    Status: one.status,
  };
}
