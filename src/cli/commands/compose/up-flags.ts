import type { Flag } from '../../command.ts';

/** What `create` and `up` both take. */
export const createFlags: readonly Flag[] = [
  { long: 'build', kind: 'bool', description: 'Build images first' },
  { long: 'force-recreate', kind: 'bool', description: 'Make containers anew though nothing changed' },
  { long: 'no-build', kind: 'bool', description: 'Build no image, even if it is missing' },
  { long: 'no-recreate', kind: 'bool', description: 'Leave containers that are there as they are' },
  {
    long: 'pull',
    kind: 'string',
    default: 'policy',
    description: "Pull images first: always, missing, never, or the service's policy",
  },
  { long: 'quiet-pull', kind: 'bool', description: 'Pull without telling how it goes' },
  { long: 'remove-orphans', kind: 'bool', description: 'Remove containers of services that the files no longer have' },
  { long: 'scale', kind: 'list', value: 'SERVICE=NUM', description: 'Have this many containers of a service' },
];

export const upFlags: readonly Flag[] = [
  ...createFlags,
  { long: 'abort-on-container-exit', kind: 'bool', description: 'Stop all when one container ends' },
  { long: 'abort-on-container-failure', kind: 'bool', description: 'Stop all when one container fails' },
  { long: 'always-recreate-deps', kind: 'bool', description: 'Make the containers of dependencies anew too' },
  { long: 'attach', kind: 'list', description: 'Show the output of these services only' },
  { long: 'attach-dependencies', kind: 'bool', description: 'Show the output of what the services need too' },
  { long: 'detach', short: 'd', kind: 'bool', description: 'Run in the background' },
  {
    long: 'exit-code-from',
    kind: 'string',
    description: "Stop all when one container ends, with this service's exit code",
  },
  { long: 'no-attach', kind: 'list', description: 'Do not show the output of these services' },
  { long: 'no-color', kind: 'bool', description: 'Show output without colours' },
  { long: 'no-deps', kind: 'bool', description: 'Leave what the services need alone' },
  { long: 'no-log-prefix', kind: 'bool', description: 'Do not put names in front of the output' },
  { long: 'no-start', kind: 'bool', description: 'Make everything and start nothing' },
  {
    long: 'renew-anon-volumes',
    short: 'V',
    kind: 'bool',
    description: 'Make volumes without a name anew instead of keeping their data',
  },
  {
    long: 'rolling',
    kind: 'bool',
    description: 'Replace running containers one by one, each when the new one is ready',
  },
  { long: 'timeout', short: 't', kind: 'int', description: 'Seconds until a stop becomes a kill' },
  { long: 'timestamps', kind: 'bool', description: 'Show the time of each line' },
  { long: 'wait', kind: 'bool', description: 'Wait until the services run or are healthy; implies --detach' },
  { long: 'watch', short: 'w', kind: 'bool', description: 'Keep services up with the files they are made of' },
  { long: 'wait-timeout', kind: 'int', description: 'Seconds to wait at most' },
];
