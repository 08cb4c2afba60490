import { asTugError, invalid, type TugError } from '../../../base/errors.ts';
import type { Ignore } from '../../dockerignore.ts';
import type { BuildPlatforms } from '../build-args.ts';
import type { Variables } from '../expand-word.ts';
import { globalVariables } from '../global-args.ts';
import { planStages } from '../stage-graph.ts';
import { type ImageFacts, walkStages } from '../stage-walk.ts';
import type { Dockerfile, Statement, Warning } from '../types.ts';
import { type CheckOptions, checksRule, parseCheckOptions } from './check-options.ts';
import { checkFile } from './file-rules.ts';
import { checkFrom } from './from-rules.ts';
import { type LintRuleName, lintRules, ruleUrl } from './rules.ts';
import { createStepRules } from './step-rules.ts';

/** A warning with what is told of its rule. */
export interface LintWarning extends Warning {
  readonly rule: LintRuleName;
  readonly description: string;
  readonly url: string;
}

/** What a base image turned out to be. */
export interface BaseImageFacts extends ImageFacts {
  /** `linux/arm64`; absent where it is not known. */
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
}

export interface LintOptions {
  readonly platforms: BuildPlatforms;
  /** `--build-arg`. */
  readonly buildArgs?: Variables;
  /** Only this stage and what it needs; all stages unless told. */
  readonly target?: string;
  /** What is known of images, by their names in FROM. Rules that need it are not checked where it is not known. */
  readonly image?: (name: string) => BaseImageFacts | undefined;
  /** The .dockerignore of the context; with `!` in it nothing is told of ignored files. */
  readonly ignore?: { readonly rules: Ignore; readonly exceptions: boolean };
  /** Check options to take instead of the file's. */
  readonly check?: string;
}

export interface LintResult {
  /** By line. */
  readonly warnings: readonly LintWarning[];
  /** Why the file could not be checked to its end. */
  readonly error?: TugError;
  readonly options: CheckOptions;
}

/** The build argument whose check options are taken instead of the directive's. */
const checkArg = 'BUILDKIT_DOCKERFILE_CHECK';

/** How a rule tells of something: at an instruction, or at other lines of it. */
export type Report = (rule: LintRuleName, message: string, statement: Statement, lines?: Statement['lines']) => void;

/**
 * Checks a Dockerfile by Docker's rules, those aside that its `# check=` directive, or one above an instruction,
 * says to skip.
 * @throws invalid for check options that cannot be read.
 */
export function lintDockerfile(dockerfile: Dockerfile, lint: LintOptions): LintResult {
  const options = parseCheckOptions(lint.check ?? lint.buildArgs?.get(checkArg) ?? dockerfile.directives.check ?? '');
  const warnings: LintWarning[] = [];
  const report: Report = (rule, message, statement, lines = statement.lines) => {
    const { description, ...more } = lintRules[rule];
    const experimental = 'experimental' in more;
    if (!checksRule(options, rule, experimental) || skippedAt(statement, rule, experimental)) return;
    warnings.push({ rule, message, lines, description, url: ruleUrl(rule) });
  };
  let error: TugError | undefined;
  try {
    checkAll(dockerfile, lint, report);
  } catch (cause) {
    error = asTugError(cause);
  }
  warnings.sort((a, b) => a.lines.first - b.lines.first);
  return { warnings, options, ...(error === undefined ? {} : { error }) };
}

function checkAll(dockerfile: Dockerfile, lint: LintOptions, report: Report): void {
  checkFile(dockerfile, report);
  const buildArgs = lint.buildArgs ?? new Map<string, string>();
  const globals = globalVariables(dockerfile, { platforms: lint.platforms, buildArgs });
  checkFrom(dockerfile, { platforms: lint.platforms, variables: globals }, report);
  const graph = planStages(dockerfile, { variables: globals, ...(lint.target ? { target: lint.target } : {}) });
  const wanted = lint.target ? graph.order : graph.stages.map((_, index) => index);
  const image = lint.image ?? (() => undefined);
  const rules = createStepRules({ ...lint, image }, report);
  for (const index of wanted) rules.stage(graph.stages[index]);
  walkStages(dockerfile, graph, wanted, { buildArgs, globals, image }, rules.step);
}

/** A comment `# check=skip=...` above an instruction counts for it. */
function skippedAt({ comments }: Statement, rule: LintRuleName, experimental: boolean): boolean {
  const comment = comments.find((text) => /^check\s*=/i.test(text));
  if (comment === undefined) return false;
  try {
    const { skip } = parseCheckOptions(comment.replace(/^check\s*=/i, ''));
    return !experimental && (skip === 'all' || skip.has(rule));
  } catch {
    return false;
  }
}

/** The error that ends a build whose check options say `error=true`; undefined without warnings. */
export function lintFailure({ warnings, options }: LintResult): TugError | undefined {
  if (!options.error || warnings.length === 0) return undefined;
  const rules = [...new Set(warnings.map(({ rule }) => rule))].join(', ');
  return invalid(`lint violation found for rules: ${rules}`, { code: 'lint-violation' });
}
