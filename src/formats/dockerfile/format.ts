import type { Directives, Dockerfile, Flag, Instruction, Statement } from './types.ts';

/**
 * Writes a Dockerfile as text: one instruction a line, keywords in upper case, heredocs below, description comments
 * above. Parsing it again gives the same instructions.
 */
export function formatDockerfile({ directives, globalArgs, stages }: Dockerfile): string {
  const instructions = [...globalArgs, ...stages.flatMap((stage) => [stage.from, ...stage.instructions])];
  const body = instructions.map((instruction) => formatInstruction(instruction, directives)).join('\n');
  return `${formatDirectives(directives)}${body}\n`;
}

/** Writes one instruction with the comments above it. */
export function formatInstruction({ statement }: Instruction, directives: Pick<Directives, 'escape'>): string {
  const comments = statement.comments.map((comment) => `# ${comment}\n`).join('');
  const heredocs = statement.heredocs.map(({ content, name }) => `\n${content}${name}`).join('');
  return comments + formatLine(statement, directives.escape) + heredocs;
}

function formatDirectives({ syntax, escape: escapeToken, check }: Directives): string {
  const lines = [
    ...(syntax === undefined ? [] : [`# syntax=${syntax}\n`]),
    ...(escapeToken === '\\' ? [] : [`# escape=${escapeToken}\n`]),
    ...(check === undefined ? [] : [`# check=${check}\n`]),
  ];
  return `${lines.join('')}\n`;
}

function formatLine({ name, flags, text }: Statement, escapeToken: string): string {
  const guard = text.startsWith('--') ? ['--'] : [];
  const line = [name, ...flags.map(formatFlag), ...guard, ...(text === '' ? [] : [text])].join(' ');
  // A single escape character at the end would continue the line; a form feed after it does not.
  return line.endsWith(escapeToken) && !line.endsWith(escapeToken.repeat(2)) ? `${line}\f` : line;
}

function formatFlag({ name, value }: Flag): string {
  const text = value === undefined ? `--${name}` : `--${name}=${value}`;
  return text.replace(/[\s"'\\]/g, '\\$&');
}
