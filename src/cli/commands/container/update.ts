import { update } from '../../../client/calls/containers.ts';
import { parseEnv, parseLabel } from '../../../formats/key-value.ts';
import { parsePortSpec } from '../../../formats/port-spec.ts';
import { splitWords } from '../../../formats/shell-words.ts';
import type { Command, Flag } from '../../command.ts';
import { forEach } from '../../each.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { parseMountOption } from './mount-option.ts';
import { resourceFlags } from './resource-flags.ts';
import { updateRequestOf } from './update-request.ts';

const limits = new Set([
  ...['blkio-weight', 'cpu-period', 'cpu-quota', 'cpu-rt-period', 'cpu-rt-runtime', 'cpu-shares', 'cpus'],
  ...['cpuset-cpus', 'cpuset-mems', 'memory', 'memory-reservation', 'memory-swap', 'pids-limit'],
]);

const list = (long: string, description: string, check?: Flag['check']): Flag => ({
  long,
  kind: 'list',
  description,
  ...(check ? { check } : {}),
});

const flags: readonly Flag[] = [
  ...resourceFlags.filter(({ long }) => limits.has(long)),
  {
    long: 'restart',
    kind: 'string',
    description: 'What to do when it exits: no, on-failure[:N], always or unless-stopped',
  },
  list('publish-add', 'Publish another port at once ([[IP:]HOST-PORT:]PORT[/PROTOCOL])', parsePortSpec),
  list('publish-rm', 'Take a published port back at once ([[IP:]HOST-PORT:]PORT[/PROTOCOL])', parsePortSpec),
  list('label-add', 'Set a label (KEY=VALUE)', parseLabel),
  list('label-rm', 'Take a label away'),
  list('env-add', 'Set an environment variable from the next start on (NAME=VALUE)', (text) =>
    parseEnv(text, () => undefined),
  ),
  list('env-rm', 'Take an environment variable away from the next start on'),
  list('mount-add', 'Mount something from the next start on, as --mount of run does', parseMountOption),
  list('mount-rm', 'Take away what is mounted at this path, from the next start on'),
  {
    long: 'command',
    kind: 'string',
    description: 'Command to run from the next start on, in one word of the shell',
    check: splitWords,
  },
];

export const command: Command = {
  paths: ['container update', 'update'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  short: 'Change containers where they are',
  flags,
  args: { min: 1 },
  run: async ({ flags: given, args }, session) => {
    if (!flags.some(({ long }) => given.given(long)))
      throw new CommandFailure('you must provide one or more flags when using this command', 1);
    const request = updateRequestOf(given, session.env);
    const warnings = new Set<string>();
    const code = await forEach(session, args, async (name) => {
      const { Warnings } = await update(session.engine, name, request);
      for (const warning of Warnings ?? []) warnings.add(warning);
      return name;
    });
    await session.err.write([...warnings].map((warning) => `${warning}\n`).join(''));
    return code;
  },
};
