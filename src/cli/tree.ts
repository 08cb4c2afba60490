import type { Command } from './command.ts';

type Load = () => Promise<{ readonly command: Command }>;

/** A command's place; `section` is the heading it stands under in the help of the whole program. */
export interface Leaf {
  readonly name: string;
  readonly section?: 'Common Commands' | 'Commands';
  readonly load: Load;
  readonly aliases?: readonly string[];
}

export interface Group {
  readonly name: string;
  readonly short: string;
  readonly leaves: readonly Leaf[];
}

const load = {
  attach: () => import('./commands/container/attach.ts'),
  commit: () => import('./commands/container/commit.ts'),
  cp: () => import('./commands/container/cp.ts'),
  create: () => import('./commands/container/create.ts'),
  debug: () => import('./commands/container/debug.ts'),
  containerDiff: () => import('./commands/container/diff.ts'),
  exec: () => import('./commands/container/exec.ts'),
  export: () => import('./commands/container/export.ts'),
  containerInspect: () => import('./commands/container/inspect.ts'),
  kill: () => import('./commands/container/kill.ts'),
  logs: () => import('./commands/container/logs.ts'),
  ps: () => import('./commands/container/ls.ts'),
  containerPrune: () => import('./commands/container/prune.ts'),
  containerRemove: () => import('./commands/container/rm.ts'),
  pause: () => import('./commands/container/pause.ts'),
  port: () => import('./commands/container/port.ts'),
  rename: () => import('./commands/container/rename.ts'),
  restart: () => import('./commands/container/restart.ts'),
  run: () => import('./commands/container/run.ts'),
  start: () => import('./commands/container/start.ts'),
  stats: () => import('./commands/container/stats.ts'),
  stop: () => import('./commands/container/stop.ts'),
  top: () => import('./commands/container/top.ts'),
  unpause: () => import('./commands/container/unpause.ts'),
  update: () => import('./commands/container/update.ts'),
  wait: () => import('./commands/container/wait.ts'),
  bootstrap: () => import('./commands/image/bootstrap.ts'),
  history: () => import('./commands/image/history.ts'),
  import: () => import('./commands/image/import.ts'),
  imageInspect: () => import('./commands/image/inspect.ts'),
  load: () => import('./commands/image/load.ts'),
  images: () => import('./commands/image/ls.ts'),
  pull: () => import('./commands/image/pull.ts'),
  push: () => import('./commands/image/push.ts'),
  imageDiff: () => import('./commands/image/diff.ts'),
  imagePrune: () => import('./commands/image/prune.ts'),
  imageRemove: () => import('./commands/image/rm.ts'),
  save: () => import('./commands/image/save.ts'),
  tag: () => import('./commands/image/tag.ts'),
  manifestAnnotate: () => import('./commands/manifest/annotate.ts'),
  manifestCreate: () => import('./commands/manifest/create.ts'),
  manifestInspect: () => import('./commands/manifest/inspect.ts'),
  manifestPush: () => import('./commands/manifest/push.ts'),
  manifestRemove: () => import('./commands/manifest/rm.ts'),
  login: () => import('./commands/registry/login.ts'),
  logout: () => import('./commands/registry/logout.ts'),
  search: () => import('./commands/registry/search.ts'),
  df: () => import('./commands/system/df.ts'),
  doctor: () => import('./commands/system/doctor.ts'),
  events: () => import('./commands/system/events.ts'),
  info: () => import('./commands/system/info.ts'),
  inspect: () => import('./commands/system/inspect.ts'),
  systemPrune: () => import('./commands/system/prune.ts'),
  version: () => import('./commands/system/version.ts'),
} satisfies Record<string, Load>;

/** The commands that are called without a noun. */
export const topLevel: readonly Leaf[] = [
  { name: 'run', section: 'Common Commands', load: load.run },
  { name: 'exec', section: 'Common Commands', load: load.exec },
  { name: 'ps', section: 'Common Commands', load: load.ps },
  { name: 'pull', section: 'Common Commands', load: load.pull },
  { name: 'push', section: 'Common Commands', load: load.push },
  { name: 'images', section: 'Common Commands', load: load.images },
  { name: 'login', section: 'Common Commands', load: load.login },
  { name: 'logout', section: 'Common Commands', load: load.logout },
  { name: 'search', section: 'Common Commands', load: load.search },
  { name: 'version', section: 'Common Commands', load: load.version },
  { name: 'info', section: 'Common Commands', load: load.info },
  { name: 'doctor', section: 'Common Commands', load: load.doctor },
  { name: 'attach', section: 'Commands', load: load.attach },
  { name: 'commit', section: 'Commands', load: load.commit },
  { name: 'cp', section: 'Commands', load: load.cp },
  { name: 'create', section: 'Commands', load: load.create },
  { name: 'debug', section: 'Commands', load: load.debug },
  { name: 'diff', section: 'Commands', load: load.containerDiff },
  { name: 'events', section: 'Commands', load: load.events },
  { name: 'export', section: 'Commands', load: load.export },
  { name: 'history', section: 'Commands', load: load.history },
  { name: 'import', section: 'Commands', load: load.import },
  { name: 'inspect', section: 'Commands', load: load.inspect },
  { name: 'kill', section: 'Commands', load: load.kill },
  { name: 'load', section: 'Commands', load: load.load },
  { name: 'logs', section: 'Commands', load: load.logs },
  { name: 'pause', section: 'Commands', load: load.pause },
  { name: 'port', section: 'Commands', load: load.port },
  { name: 'rename', section: 'Commands', load: load.rename },
  { name: 'restart', section: 'Commands', load: load.restart },
  { name: 'rm', section: 'Commands', load: load.containerRemove },
  { name: 'rmi', section: 'Commands', load: load.imageRemove },
  { name: 'save', section: 'Commands', load: load.save },
  { name: 'start', section: 'Commands', load: load.start },
  { name: 'stats', section: 'Commands', load: load.stats },
  { name: 'stop', section: 'Commands', load: load.stop },
  { name: 'tag', section: 'Commands', load: load.tag },
  { name: 'top', section: 'Commands', load: load.top },
  { name: 'unpause', section: 'Commands', load: load.unpause },
  { name: 'update', section: 'Commands', load: load.update },
  { name: 'wait', section: 'Commands', load: load.wait },
];

export const groups: readonly Group[] = [
  {
    name: 'container',
    short: 'Manage containers',
    leaves: [
      { name: 'attach', load: load.attach },
      { name: 'commit', load: load.commit },
      { name: 'cp', load: load.cp },
      { name: 'create', load: load.create },
      { name: 'debug', load: load.debug },
      { name: 'diff', load: load.containerDiff },
      { name: 'exec', load: load.exec },
      { name: 'export', load: load.export },
      { name: 'inspect', load: load.containerInspect },
      { name: 'kill', load: load.kill },
      { name: 'logs', load: load.logs },
      { name: 'ls', load: load.ps, aliases: ['ps', 'list'] },
      { name: 'pause', load: load.pause },
      { name: 'port', load: load.port },
      { name: 'prune', load: load.containerPrune },
      { name: 'rename', load: load.rename },
      { name: 'restart', load: load.restart },
      { name: 'rm', load: load.containerRemove, aliases: ['remove'] },
      { name: 'run', load: load.run },
      { name: 'start', load: load.start },
      { name: 'stats', load: load.stats },
      { name: 'stop', load: load.stop },
      { name: 'top', load: load.top },
      { name: 'unpause', load: load.unpause },
      { name: 'update', load: load.update },
      { name: 'wait', load: load.wait },
    ],
  },
  {
    name: 'image',
    short: 'Manage images',
    leaves: [
      { name: 'bootstrap', load: load.bootstrap },
      { name: 'diff', load: load.imageDiff },
      { name: 'history', load: load.history },
      { name: 'import', load: load.import },
      { name: 'inspect', load: load.imageInspect },
      { name: 'load', load: load.load },
      { name: 'ls', load: load.images, aliases: ['list'] },
      { name: 'pull', load: load.pull },
      { name: 'push', load: load.push },
      { name: 'prune', load: load.imagePrune },
      { name: 'rm', load: load.imageRemove, aliases: ['remove'] },
      { name: 'save', load: load.save },
      { name: 'tag', load: load.tag },
    ],
  },
  {
    name: 'manifest',
    short: 'Manage manifests, and lists of them for several platforms',
    leaves: [
      { name: 'annotate', load: load.manifestAnnotate },
      { name: 'create', load: load.manifestCreate },
      { name: 'inspect', load: load.manifestInspect },
      { name: 'push', load: load.manifestPush },
      { name: 'rm', load: load.manifestRemove },
    ],
  },
  {
    name: 'system',
    short: 'Manage tug itself',
    leaves: [
      { name: 'df', load: load.df },
      { name: 'events', load: load.events },
      { name: 'info', load: load.info },
      { name: 'prune', load: load.systemPrune },
    ],
  },
];

export function findLeaf(leaves: readonly Leaf[], name: string): Leaf | undefined {
  return leaves.find((leaf) => leaf.name === name || leaf.aliases?.includes(name));
}
