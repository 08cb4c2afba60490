import { readFlags } from './flags.ts';
import { parseAdd, parseCopy } from './parse-copy.ts';
import { parseHealthcheck } from './parse-healthcheck.ts';
import { parseRun } from './parse-run.ts';
import { SyntaxFault } from './source.ts';
import type { Command, Instruction, InstructionName, Statement } from './types.ts';
import { readKeyValues, splitAtBlanks, splitWords } from './words.ts';

type Parser = (statement: Statement, escapeToken: string) => Instruction;

const parsers: { readonly [Name in InstructionName]: Parser } = {
  ADD: parseAdd,
  ARG: parseArg,
  CMD: (statement) => ({ name: 'CMD', statement, command: readCommand(statement) }),
  COPY: parseCopy,
  ENTRYPOINT: (statement) => ({ name: 'ENTRYPOINT', statement, command: readCommand(statement) }),
  ENV: (statement, escapeToken) => ({ name: 'ENV', statement, ...readKeyValues('ENV', statement.text, escapeToken) }),
  EXPOSE: parseExpose,
  FROM: parseFrom,
  HEALTHCHECK: parseHealthcheck,
  LABEL: (statement, escapeToken) => ({
    name: 'LABEL',
    statement,
    ...readKeyValues('LABEL', statement.text, escapeToken),
  }),
  MAINTAINER: (statement) => ({ name: 'MAINTAINER', statement, maintainer: exactlyOne(statement) }),
  ONBUILD: parseOnbuild,
  RUN: parseRun,
  SHELL: parseShell,
  STOPSIGNAL: (statement) => ({ name: 'STOPSIGNAL', statement, signal: exactlyOne(statement) }),
  USER: (statement) => ({ name: 'USER', statement, user: exactlyOne(statement) }),
  VOLUME: parseVolume,
  WORKDIR: (statement) => ({ name: 'WORKDIR', statement, path: exactlyOne(statement) }),
};

/** The instructions that have flags; all others refuse any. */
const flagged: ReadonlySet<InstructionName> = new Set(['ADD', 'COPY', 'FROM', 'HEALTHCHECK', 'RUN']);

/**
 * Understands the arguments of one instruction.
 * @throws SyntaxFault in Docker's words.
 */
export function parseInstruction(statement: Statement, escapeToken: string): Instruction {
  if (!flagged.has(statement.name)) readFlags(statement.flags, {});
  return parsers[statement.name](statement, escapeToken);
}

function readCommand({ json, text }: Statement): Command {
  return json === undefined ? { form: 'shell', text } : { form: 'exec', args: json };
}

function exactlyOne({ name, text }: Statement): string {
  if (text === '') throw new SyntaxFault(`${name} requires exactly one argument`);
  return text;
}

function parseArg(statement: Statement, escapeToken: string): Instruction {
  const words = splitWords(statement.text, escapeToken);
  if (words.length === 0) throw new SyntaxFault('ARG requires at least one argument');
  const args = words.map((word) => {
    const equals = word.indexOf('=');
    if (equals === 0) throw new SyntaxFault('ARG names can not be blank', word);
    const key = equals < 0 ? word : word.slice(0, equals);
    const comment = describedBy(statement.comments, key);
    return {
      key,
      ...(equals < 0 ? {} : { value: word.slice(equals + 1) }),
      ...(comment === undefined ? {} : { comment }),
    };
  });
  return { name: 'ARG', statement, args };
}

/** The text of the comment above an instruction that describes a name: `# name text`. */
export function describedBy(comments: readonly string[], name: string): string | undefined {
  return comments.find((comment) => comment.startsWith(`${name} `))?.slice(name.length + 1);
}

function parseExpose(statement: Statement): Instruction {
  const ports = splitAtBlanks(statement.text);
  if (ports.length === 0) throw new SyntaxFault('EXPOSE requires at least one argument');
  return { name: 'EXPOSE', statement, ports };
}

const validStageName = /^[a-z][a-z0-9-_.]*$/;

function parseFrom(statement: Statement): Instruction {
  const { platform } = readFlags(statement.flags, { platform: 'text' });
  const words = splitAtBlanks(statement.text);
  const [image = '', as = '', given = ''] = words;
  const named = words.length === 3 && as.toLowerCase() === 'as';
  if (words.length !== 1 && !named) throw new SyntaxFault('FROM requires either one or three arguments', image);
  const stageName = given.toLowerCase();
  if (named && !validStageName.test(stageName)) {
    const sentence = "name can't start with a number or contain symbols";
    throw new SyntaxFault(`invalid name for build stage: ${JSON.stringify(given)}, ${sentence}`, given);
  }
  return {
    name: 'FROM',
    statement,
    image,
    ...(platform ? { platform } : {}),
    ...(named ? { stageName } : {}),
  };
}

function parseOnbuild(statement: Statement): Instruction {
  const { text, heredocs } = statement;
  if (text === '') throw new SyntaxFault('ONBUILD requires at least one argument');
  const trigger = /^\S+/.exec(text)?.[0].toUpperCase() ?? '';
  if (trigger === 'ONBUILD') throw new SyntaxFault("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", text);
  if (trigger === 'FROM' || trigger === 'MAINTAINER') {
    throw new SyntaxFault(`${trigger} isn't allowed as an ONBUILD trigger`, text.slice(0, trigger.length));
  }
  const contents = heredocs.map(({ content, name }) => `\n${content}${name}`).join('');
  return { name: 'ONBUILD', statement, expression: text + contents };
}

function parseShell(statement: Statement): Instruction {
  const { json, text } = statement;
  if (text === '' || json?.length === 0) throw new SyntaxFault('SHELL requires at least one argument');
  if (json === undefined) throw new SyntaxFault('SHELL requires the arguments to be in JSON form', text);
  return { name: 'SHELL', statement, args: json };
}

function parseVolume(statement: Statement): Instruction {
  const paths = (statement.json ?? splitAtBlanks(statement.text)).map((path) => path.trim());
  if (paths.length === 0) throw new SyntaxFault('VOLUME requires at least one argument');
  if (paths.includes('')) throw new SyntaxFault('VOLUME specified can not be an empty string');
  return { name: 'VOLUME', statement, paths };
}
