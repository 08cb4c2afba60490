import type { ContainerInspect } from '../../../api/types/container.ts';
import { inspect } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { parseFlags } from '../../flags.ts';
import { standardInput } from '../../terminal/input.ts';
import { command as run } from './run.ts';

/** What has the tools unless `--image` says otherwise: small, with a shell, and brought along by `npm start`. */
const toolsImage = 'busybox';

export const command: Command = {
  paths: ['container debug', 'debug'],
  usage: '[OPTIONS] CONTAINER [COMMAND] [ARG...]',
  short: 'Open a shell with tools in the namespaces of a container',
  flags: [
    {
      long: 'image',
      kind: 'string',
      default: toolsImage,
      description: 'Image with the tools; pulled where it is missing',
    },
    { long: 'privileged', kind: 'bool', description: 'Lift all restrictions' },
  ],
  args: { min: 1 },
  stopAtArgument: true,
  run: async ({ flags, args: [name = '', ...line] }, session) => {
    const target = await inspect(session.engine, name);
    const running = target.State.Pid > 0;
    const options = [
      ...['--rm', '--interactive', '--user', '0', '--label', `tug.debug=${target.Id}`],
      ...(session.out.isTerminal && standardInput().isTerminal ? ['--tty'] : []),
      ...(flags.bool('privileged') ? ['--privileged'] : []),
      ...environmentOf(target),
      ...(running ? namespacesOf(target) : filesOf(target)),
    ];
    const image = flags.string('image');
    const words = line.length > 0 ? line : ['sh'];
    const parsed = parseFlags(run.flags, [...options, '--entrypoint', '', image, ...words], true);
    if (session.err.isTerminal && line.length === 0) await session.err.write(`${hint(target, running)}\n`);
    return await run.run({ flags: parsed.flags, args: parsed.args }, session);
  },
};

/** The target's variables, but for where its programs are: the tools have their own. */
function environmentOf({ Config }: ContainerInspect): string[] {
  const env = (Config['Env'] as readonly string[] | null) ?? [];
  return env.filter((entry) => !entry.startsWith('PATH=')).flatMap((entry) => ['--env', entry]);
}

/**
 * Processes under AppArmor's default profile look at one another. The tools would see nothing of a container that has
 * none, and could not run under one that was written for its programs: for those they have none either.
 */
const defaultProfile = 'docker-default';

/** Its IPC only where it lets others join. To look at files of another user's processes takes CAP_SYS_PTRACE. */
function namespacesOf({ Id, HostConfig, AppArmorProfile }: ContainerInspect): string[] {
  const other = `container:${Id}`;
  const sharesIpc = /^(shareable|host|container:.*)$/.test(String(HostConfig['IpcMode']));
  return [
    ...['--pid', other, '--network', other, '--cap-add', 'SYS_PTRACE'],
    ...(sharesIpc ? ['--ipc', other] : []),
    ...(HostConfig['Privileged'] === true ? ['--privileged'] : []),
    ...(['', defaultProfile].includes(AppArmorProfile) ? [] : ['--security-opt', 'apparmor=unconfined']),
  ];
}

const filesOf = ({ Id }: ContainerInspect): string[] => [
  ...['--network', 'none', '--workdir', '/target'],
  ...['--mount', `type=container,source=${Id},target=/target,readonly`],
];

function hint({ Name, State, HostConfig }: ContainerInspect, running: boolean): string {
  const name = Name.replace(/^\//, '');
  if (!running) return `${name} does not run: its files are below /target, to be read.`;
  const mode = String(HostConfig['PidMode'] ?? '');
  if (mode.startsWith('container:')) return `${name} shares the processes seen here: files are below /proc/PID/root.`;
  return `The files of ${name} are below /proc/${mode === 'host' ? State.Pid : 1}/root.`;
}
