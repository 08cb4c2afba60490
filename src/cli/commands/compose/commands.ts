import type { ComposeCommand } from './compose-command.ts';

interface Leaf {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly load: () => Promise<{ readonly command: ComposeCommand }>;
}

/** The commands of `tug compose`, loaded when they are called. */
export const composeCommands: readonly Leaf[] = [
  { name: 'attach', load: () => import('./attach.ts') },
  { name: 'build', load: () => import('./build.ts') },
  { name: 'commit', load: () => import('./commit.ts') },
  { name: 'config', aliases: ['convert'], load: () => import('./config.ts') },
  { name: 'cp', load: () => import('./cp.ts') },
  { name: 'create', load: () => import('./create.ts') },
  { name: 'down', load: () => import('./down.ts') },
  { name: 'events', load: () => import('./events.ts') },
  { name: 'exec', load: () => import('./exec.ts') },
  { name: 'export', load: () => import('./export.ts') },
  { name: 'images', load: () => import('./images.ts') },
  { name: 'kill', load: () => import('./kill.ts') },
  { name: 'logs', load: () => import('./logs.ts') },
  { name: 'ls', load: () => import('./ls.ts') },
  { name: 'pause', load: () => import('./pause.ts') },
  { name: 'plan', load: () => import('./plan.ts') },
  { name: 'port', load: () => import('./port.ts') },
  { name: 'ps', load: () => import('./ps.ts') },
  { name: 'pull', load: () => import('./pull.ts') },
  { name: 'push', load: () => import('./push.ts') },
  { name: 'restart', load: () => import('./restart.ts') },
  { name: 'rm', load: () => import('./rm.ts') },
  { name: 'run', load: () => import('./run.ts') },
  { name: 'start', load: () => import('./start.ts') },
  { name: 'stats', load: () => import('./stats.ts') },
  { name: 'stop', load: () => import('./stop.ts') },
  { name: 'top', load: () => import('./top.ts') },
  { name: 'unpause', load: () => import('./unpause.ts') },
  { name: 'up', load: () => import('./up.ts') },
  { name: 'version', load: () => import('./version.ts') },
  { name: 'volumes', load: () => import('./volumes.ts') },
  { name: 'wait', load: () => import('./wait.ts') },
  { name: 'watch', load: () => import('./watch.ts') },
  { name: 'why', load: () => import('./why.ts') },
];

export const findComposeCommand = (name: string): Leaf | undefined =>
  composeCommands.find((leaf) => leaf.name === name || leaf.aliases?.includes(name));
