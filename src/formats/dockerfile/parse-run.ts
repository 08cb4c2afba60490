import { readFlags } from './flags.ts';
import { parseHeredocMarker } from './heredoc.ts';
import { checkRunMount } from './run-mount.ts';
import { SyntaxFault } from './source.ts';
import { withSuggestion } from './suggestion.ts';
import type { Instruction, RunInstruction, Statement } from './types.ts';

const networks = ['default', 'none', 'host'] as const;
const securities = ['sandbox', 'insecure'] as const;

/** Reads RUN. @throws SyntaxFault in Docker's words, and for `--device`, which is not supported. */
export function parseRun(statement: Statement): Instruction {
  if (statement.flags.some(({ name }) => name === 'device')) {
    throw new SyntaxFault('RUN --device is not supported: no device drivers can be handed to a build', '--device');
  }
  const flags = readFlags(statement.flags, { mount: 'texts', network: 'text', security: 'text' });
  const mounts = flags.mount ?? [];
  for (const mount of mounts) checkRunMount(mount);
  return {
    name: 'RUN',
    statement,
    command:
      statement.json === undefined ? { form: 'shell', text: statement.text } : { form: 'exec', args: statement.json },
    mounts,
    network: oneOf(flags.network, networks, 'network mode', '--network'),
    security: oneOf(flags.security, securities, 'security mode', '--security'),
  };
}

function oneOf<Value extends string>(
  value: string | undefined,
  [first, ...more]: readonly [Value, ...Value[]],
  what: string,
  near: string,
): Value {
  if (value === undefined) return first;
  const known = [first, ...more].find((candidate) => candidate === value);
  if (known !== undefined) return known;
  throw new SyntaxFault(withSuggestion(`unsupported ${what} ${JSON.stringify(value)}`, value, [first, ...more]), near);
}

/** What RUN executes, with its heredocs. */
export type RunScript =
  | { readonly form: 'exec'; readonly args: readonly string[] }
  /** To be given to the stage's SHELL. */
  | { readonly form: 'shell'; readonly text: string }
  /** A file with a `#!` line, to be put somewhere executable and run. */
  | { readonly form: 'file'; readonly name: string; readonly content: string };

/**
 * Decides what a RUN executes: a heredoc that stands alone is itself the script, as a file if it begins with `#!`;
 * beside other words heredocs are given to the shell as they are.
 */
export function runScript({ command, statement }: RunInstruction): RunScript {
  const [first] = statement.heredocs;
  if (command.form === 'exec' || first === undefined) return command;
  if (parseHeredocMarker(command.text) === undefined) {
    const heredocs = statement.heredocs.map(({ content, name }) => `\n${content}${name}`).join('');
    return { form: 'shell', text: command.text + heredocs };
  }
  const { name, content } = first;
  return content.startsWith('#!') ? { form: 'file', name, content } : { form: 'shell', text: content };
}
