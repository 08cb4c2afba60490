import type { ComposeCommand } from './compose-command.ts';

interface Leaf {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly load: () => Promise<{ readonly command: ComposeCommand }>;
}

/** The commands of `tug compose`, loaded when they are called. */
export const composeCommands: readonly Leaf[] = [
  { name: 'config', aliases: ['convert'], load: () => import('./config.ts') },
  { name: 'down', load: () => import('./down.ts') },
  { name: 'up', load: () => import('./up.ts') },
];

export const findComposeCommand = (name: string): Leaf | undefined =>
  composeCommands.find((leaf) => leaf.name === name || leaf.aliases?.includes(name));
