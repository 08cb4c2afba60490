import { type Load, load } from './load.ts';

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

/** The commands that are called without a noun. */
export const topLevel: readonly Leaf[] = [
  { name: 'run', section: 'Common Commands', load: load.run },
  { name: 'exec', section: 'Common Commands', load: load.exec },
  { name: 'ps', section: 'Common Commands', load: load.ps },
  { name: 'build', section: 'Common Commands', load: load.build },
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
  { name: 'compose', section: 'Commands', load: load.compose },
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
  { name: 'why', section: 'Commands', load: load.why },
];

export const groups: readonly Group[] = [
  {
    name: 'builder',
    short: 'Manage builds',
    leaves: [
      { name: 'build', load: load.build },
      { name: 'prune', load: load.builderPrune },
    ],
  },
  {
    name: 'checkpoint',
    short: 'Manage checkpoints',
    leaves: [
      { name: 'create', load: load.checkpointCreate },
      { name: 'ls', load: load.checkpointList, aliases: ['list'] },
      { name: 'rm', load: load.checkpointRemove },
    ],
  },
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
      { name: 'why', load: load.why },
    ],
  },
  {
    name: 'context',
    short: 'Manage contexts, which name engines',
    leaves: [
      { name: 'create', load: load.contextCreate },
      { name: 'export', load: load.contextExport },
      { name: 'import', load: load.contextImport },
      { name: 'inspect', load: load.contextInspect },
      { name: 'ls', load: load.contextList, aliases: ['list'] },
      { name: 'rm', load: load.contextRemove, aliases: ['remove'] },
      { name: 'show', load: load.contextShow },
      { name: 'update', load: load.contextUpdate },
      { name: 'use', load: load.contextUse },
    ],
  },
  {
    name: 'image',
    short: 'Manage images',
    leaves: [
      { name: 'bootstrap', load: load.bootstrap },
      { name: 'build', load: load.build },
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
    name: 'network',
    short: 'Manage networks',
    leaves: [
      { name: 'connect', load: load.networkConnect },
      { name: 'create', load: load.networkCreate },
      { name: 'disconnect', load: load.networkDisconnect },
      { name: 'inspect', load: load.networkInspect },
      { name: 'ls', load: load.networkList, aliases: ['list'] },
      { name: 'prune', load: load.networkPrune },
      { name: 'rm', load: load.networkRemove, aliases: ['remove'] },
    ],
  },
  {
    name: 'registry',
    short: 'Serve a registry of your own',
    leaves: [
      { name: 'du', load: load.registryDu },
      { name: 'gc', load: load.registryGc },
      { name: 'serve', load: load.registryServe },
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
  {
    name: 'volume',
    short: 'Manage volumes',
    leaves: [
      { name: 'clone', load: load.volumeClone },
      { name: 'create', load: load.volumeCreate },
      { name: 'df', load: load.volumeDf },
      { name: 'export', load: load.volumeExport },
      { name: 'import', load: load.volumeImport },
      { name: 'inspect', load: load.volumeInspect },
      { name: 'ls', load: load.volumeList, aliases: ['list'] },
      { name: 'prune', load: load.volumePrune },
      { name: 'rename', load: load.volumeRename },
      { name: 'restore', load: load.volumeRestore },
      { name: 'rm', load: load.volumeRemove, aliases: ['remove'] },
      { name: 'snapshot', load: load.volumeSnapshot },
      { name: 'update', load: load.volumeUpdate },
    ],
  },
];

export function findLeaf(leaves: readonly Leaf[], name: string): Leaf | undefined {
  return leaves.find((leaf) => leaf.name === name || leaf.aliases?.includes(name));
}
