import { invalid } from '../../base/errors.ts';
import { csvFields } from '../csv.ts';
import { formatOutline, formatTargets, listTargets, outlineTarget } from './call.ts';
import { outlineJson, targetsJson } from './call-json.ts';
import { globalVariables } from './global-args.ts';
import { type LintOptions, lintDockerfile } from './lint/lint.ts';
import { formatLintResult, lintResultJson } from './lint/print.ts';
import { parseDockerfile } from './parse-dockerfile.ts';
import { planStages } from './stage-graph.ts';
import type { Dockerfile } from './types.ts';

const methods = ['build', 'check', 'outline', 'targets'] as const;

/** The value of `--call`. */
export interface CallOption {
  readonly method: (typeof methods)[number];
  readonly format: 'text' | 'json';
  /** Success, whatever is found. */
  readonly ignoreStatus: boolean;
}

/** Parses `--call`: `METHOD[,format=json][,ignorestatus=true]`. @throws invalid. */
export function parseCall(text: string): CallOption {
  const [name = '', ...fields] = csvFields(text);
  const method = methods.find((candidate) => candidate === (name === 'lint' ? 'check' : name));
  if (method === undefined)
    throw invalid(`invalid call ${JSON.stringify(name)}: it must be one of ${methods.join(', ')}`);
  let option: CallOption = { method, format: 'text', ignoreStatus: false };
  for (const field of fields) {
    if (field === 'format=json') option = { ...option, format: 'json' };
    else if (field === 'format=text') option = { ...option, format: 'text' };
    else if (field === 'ignorestatus' || field === 'ignorestatus=true') option = { ...option, ignoreStatus: true };
    else if (field !== 'ignorestatus=false') throw invalid(`invalid call option ${JSON.stringify(field)}`);
  }
  return option;
}

export interface Examination {
  /** For the standard output. */
  readonly text: string;
  /** Why the file could not be checked to its end. */
  readonly error?: string;
  /** Of the command. */
  readonly exitCode: 0 | 1;
}

/**
 * Does what `--call check`, `outline` and `targets` do, without a build.
 * @throws invalid, with the place, for a file that cannot be parsed, or of which no outline can be made.
 */
export function examineDockerfile(
  input: string | Uint8Array,
  call: CallOption,
  options: LintOptions & { readonly fileName?: string },
): Examination {
  const dockerfile = parseDockerfile(input, options.fileName === undefined ? {} : { fileName: options.fileName });
  if (call.method === 'check') return check(dockerfile, call, options);
  const json = call.format === 'json';
  if (call.method === 'targets') {
    const targets = listTargets(dockerfile);
    return { text: json ? printed(targetsJson(dockerfile, targets)) : formatTargets(targets), exitCode: 0 };
  }
  const globals = globalVariables(dockerfile, options);
  const target = options.target ? { target: options.target } : {};
  const outline = outlineTarget(dockerfile, planStages(dockerfile, { variables: globals, ...target }), {
    globals,
    ...(options.buildArgs === undefined ? {} : { buildArgs: options.buildArgs }),
  });
  return { text: json ? printed(outlineJson(dockerfile, outline)) : formatOutline(outline), exitCode: 0 };
}

function check(dockerfile: Dockerfile, { format, ignoreStatus }: CallOption, options: LintOptions): Examination {
  const result = lintDockerfile(dockerfile, options);
  const failed = result.warnings.length > 0 || result.error !== undefined;
  return {
    text: format === 'json' ? printed(lintResultJson(dockerfile, result)) : formatLintResult(dockerfile, result),
    ...(result.error === undefined ? {} : { error: result.error.message }),
    exitCode: failed && !ignoreStatus ? 1 : 0,
  };
}

const printed = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
