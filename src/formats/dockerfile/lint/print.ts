import { jsonLocation, jsonSource } from '../call-json.ts';
import { formatExcerpt } from '../excerpt.ts';
import type { Dockerfile } from '../types.ts';
import type { LintResult } from './lint.ts';

/** What `--check` prints: Docker's sentence, then each warning with the lines it is about. */
export function formatLintResult(
  { fileName, lines }: Pick<Dockerfile, 'fileName' | 'lines'>,
  { warnings, error }: LintResult,
): string {
  if (warnings.length === 0) return error === undefined ? 'Check complete, no warnings found.\n' : '';
  const count = warnings.length === 1 ? '1 warning has been found!' : `${warnings.length} warnings have been found!`;
  const texts = warnings.map(({ rule, url, message, lines: range }) => {
    return `\nWARNING: ${rule} - ${url}\n${message}\n${formatExcerpt(fileName, lines, range)}`;
  });
  return `Check complete, ${count}\n${texts.join('')}`;
}

/** What `--call check,format=json` prints. */
export function lintResultJson(dockerfile: Pick<Dockerfile, 'fileName' | 'lines'>, { warnings, error }: LintResult) {
  return {
    warnings: warnings.map(({ rule, description, url, message, lines }) => ({
      ruleName: rule,
      description,
      url,
      detail: message,
      location: jsonLocation(lines),
    })),
    sources: [
      {
        filename: dockerfile.fileName,
        language: 'Dockerfile',
        data: jsonSource(dockerfile),
      },
    ],
    ...(error === undefined ? {} : { buildError: { message: error.message } }),
  };
}
