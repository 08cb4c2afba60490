import { invalid } from '../../../base/errors.ts';

/** The options of the `# check=` directive and of the build argument `BUILDKIT_DOCKERFILE_CHECK`. */
export interface CheckOptions {
  readonly skip: ReadonlySet<string> | 'all';
  readonly experimental: ReadonlySet<string> | 'all';
  /** A warning is to fail the build. */
  readonly error: boolean;
}

export const defaultCheckOptions: CheckOptions = { skip: new Set(), experimental: new Set(), error: false };

const truths: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const falsehoods: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/**
 * Parses `skip=Rule,Rule;error=true;experimental=all`.
 * @throws invalid in Docker's words.
 */
export function parseCheckOptions(text: string): CheckOptions {
  let options = defaultCheckOptions;
  if (text.trim() === '') return options;
  for (const part of text.trim().split(';')) {
    const equals = part.indexOf('=');
    if (equals < 0) throw bad(`invalid check option ${JSON.stringify(part)}`);
    const key = part.slice(0, equals).trim();
    const value = part.slice(equals + 1).trim();
    if (key === 'skip') options = { ...options, skip: ruleSet(value) };
    else if (key === 'experimental') options = { ...options, experimental: ruleSet(value) };
    else if (key !== 'error') throw bad(`invalid check option ${JSON.stringify(key)}`);
    else if (!truths.has(value) && !falsehoods.has(value)) {
      throw bad(`failed to parse check option ${JSON.stringify(part)}: ${JSON.stringify(value)} is no boolean`);
    } else options = { ...options, error: truths.has(value) };
  }
  return options;
}

/** Writes options as `parseCheckOptions` reads them; empty for the defaults. */
export function formatCheckOptions({ skip, experimental, error }: CheckOptions): string {
  const list = (rules: ReadonlySet<string> | 'all'): string => (rules === 'all' ? 'all' : [...rules].join(','));
  return [
    ...(skip === 'all' || skip.size > 0 ? [`skip=${list(skip)}`] : []),
    ...(experimental === 'all' || experimental.size > 0 ? [`experimental=${list(experimental)}`] : []),
    ...(error ? ['error=true'] : []),
  ].join(';');
}

/** True if a rule is to be checked. */
export function checksRule(options: CheckOptions, rule: string, experimental: boolean): boolean {
  const listed = (rules: ReadonlySet<string> | 'all'): boolean => rules === 'all' || rules.has(rule);
  return experimental ? listed(options.experimental) : !listed(options.skip);
}

const ruleSet = (value: string): ReadonlySet<string> | 'all' =>
  value === 'all' ? 'all' : new Set(value.split(',').map((rule) => rule.trim()));

const bad = (message: string): Error => invalid(`failed to parse check options: ${message}`, { code: 'check-options' });
