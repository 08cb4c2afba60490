import { readFlags } from './flags.ts';
import { parseHeredocMarker } from './heredoc.ts';
import { SyntaxFault } from './source.ts';
import type { CopySources, Heredoc, Instruction, Statement } from './types.ts';
import { splitAtBlanks } from './words.ts';

const shared = {
  chown: 'text',
  chmod: 'text',
  link: 'boolean',
  parents: 'boolean',
  exclude: 'texts',
} as const;

/** Reads COPY. @throws SyntaxFault in Docker's words. */
export function parseCopy(statement: Statement): Instruction {
  const sources = readSources(statement);
  const flags = readFlags(statement.flags, { ...shared, from: 'text' });
  return {
    name: 'COPY',
    statement,
    sources,
    ...(flags.from ? { from: flags.from } : {}),
    ...sharedFlags(flags),
  };
}

/** Reads ADD. @throws SyntaxFault in Docker's words. */
export function parseAdd(statement: Statement): Instruction {
  const sources = readSources(statement);
  const flags = readFlags(statement.flags, {
    ...shared,
    checksum: 'text',
    'keep-git-dir': 'boolean',
    unpack: 'boolean',
  });
  const keepGitDir = flags['keep-git-dir'];
  return {
    name: 'ADD',
    statement,
    sources,
    ...(flags.checksum ? { checksum: flags.checksum } : {}),
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(flags.unpack === undefined ? {} : { unpack: flags.unpack }),
    ...sharedFlags(flags),
  };
}

interface SharedFlags {
  readonly chown?: string;
  readonly chmod?: string;
  readonly link?: boolean;
  readonly parents?: boolean;
  readonly exclude?: readonly string[];
}

function sharedFlags(flags: SharedFlags) {
  return {
    ...(flags.chown ? { chown: flags.chown } : {}),
    ...(flags.chmod ? { chmod: flags.chmod } : {}),
    link: flags.link ?? false,
    parents: flags.parents ?? false,
    exclude: flags.exclude ?? [],
  };
}

function readSources(statement: Statement): CopySources {
  const { name, text, json, heredocs } = statement;
  const words = json ?? splitAtBlanks(text);
  const destination = words.at(-1);
  if (destination === undefined || words.length < 2) {
    const sentence = 'but only one was provided. Destination could not be determined.';
    throw new SyntaxFault(`${name} requires at least two arguments, ${sentence}`);
  }
  if (json === undefined && markerName(destination) !== undefined) {
    throw new SyntaxFault(`${name} cannot accept a heredoc as a destination`, destination);
  }
  const paths: string[] = [];
  const files: Heredoc[] = [];
  for (const word of words.slice(0, -1)) {
    const marker = json === undefined ? markerName(word) : undefined;
    const heredoc = heredocs.findLast((candidate) => candidate.name === marker);
    if (heredoc === undefined) paths.push(word);
    else files.push(heredoc);
  }
  return { paths, heredocs: files, destination };
}

const markerName = (word: string): string | undefined =>
  word.includes('<<') ? parseHeredocMarker(word)?.name : undefined;
