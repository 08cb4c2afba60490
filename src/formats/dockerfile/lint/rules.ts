/** What is told of a rule beside its message. */
export interface LintRule {
  readonly description: string;
  /** Checked only where `experimental` of the check options names it. */
  readonly experimental?: true;
}

/** The rules of `--check`, by Docker's names. */
export const lintRules = {
  StageNameCasing: { description: 'Names of stages are best in lower case' },
  FromAsCasing: { description: 'FROM and AS are best in the same case' },
  NoEmptyContinuation: { description: 'An empty line inside a continued instruction is to become an error' },
  ConsistentInstructionCasing: { description: 'Instructions are best all in upper or all in lower case' },
  DuplicateStageName: { description: 'Two stages have the same name' },
  ReservedStageName: { description: 'A stage has a name that already means something' },
  JSONArgsRecommended: { description: 'A command that is run by a shell does not get the signals of a stop' },
  MaintainerDeprecated: { description: 'MAINTAINER is deprecated: a label does what it did' },
  UndefinedArgInFrom: { description: 'FROM uses a build argument that is not declared before it' },
  WorkdirRelativePath: { description: 'A relative WORKDIR depends on what the base image has' },
  UndefinedVar: { description: 'A variable is used that nothing defines' },
  MultipleInstructionsDisallowed: { description: 'Only the last of several such instructions counts' },
  LegacyKeyValueFormat: { description: 'Keys and values are best written with =' },
  InvalidBaseImagePlatform: { description: 'The base image is for another platform than the build' },
  RedundantTargetPlatform: { description: 'The target platform is what FROM takes anyway' },
  SecretsUsedInArgOrEnv: { description: 'What ARG and ENV hold can be read from the image' },
  InvalidDefaultArgInFrom: { description: 'Without build arguments FROM has no valid image' },
  FromPlatformFlagConstDisallowed: { description: 'A fixed platform in FROM makes builds for others wrong' },
  CopyIgnoredFile: { description: 'A file to be copied is left out by .dockerignore', experimental: true },
  InvalidDefinitionDescription: {
    description: 'A comment above an ARG or a named stage describes it only as `# NAME TEXT`',
    experimental: true,
  },
  ExposeProtoCasing: { description: 'Protocols of EXPOSE are best in lower case' },
  ExposeInvalidFormat: { description: 'EXPOSE takes ports of the container alone' },
} as const satisfies Readonly<Record<string, LintRule>>;
export type LintRuleName = keyof typeof lintRules;

const ruleNames: ReadonlySet<string> = new Set(Object.keys(lintRules));

/** True for the name of a rule that there is. */
export const isLintRule = (name: string): name is LintRuleName => ruleNames.has(name);

/** Where Docker's documentation explains a rule. */
export function ruleUrl(name: LintRuleName): string {
  const words = name.replace(/([a-z])([A-Z])/g, '$1-$2').replace('JSONArgs', 'JSON-Args');
  return `https://docs.docker.com/go/dockerfile/rule/${words.toLowerCase()}/`;
}
