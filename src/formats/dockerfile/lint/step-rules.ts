import * as path from 'node:path/posix';
import { formatPlatform, normalisePlatform, parsePlatform } from '../../platform.ts';
import type { Variables } from '../expand-word.ts';
import type { PlannedStage } from '../stage-graph.ts';
import type { StageStep } from '../stage-walk.ts';
import { nearestName } from '../suggestion.ts';
import type { AddInstruction, CopyInstruction, Instruction, Statement } from '../types.ts';
import type { LintOptions, Report } from './lint.ts';

export interface StepRules {
  /** Checks the base of a stage. */
  stage(planned: PlannedStage | undefined): void;
  /** Checks an instruction; those of a stage come in order. */
  step(step: StageStep): void;
}

type Options = Pick<LintOptions, 'platforms' | 'ignore'> & Required<Pick<LintOptions, 'image'>>;

/** The rules that look at instructions at their turn, with what they remember of each stage. */
export function createStepRules(options: Options, report: Report): StepRules {
  const lastOf = new Map<string, Statement>();
  return {
    stage: (planned) => checkBasePlatform(planned, options, report),
    step(step) {
      const { instruction, missing, env } = step;
      for (const name of missing) reportUndefined(instruction, name, env, report);
      checkOnce(step, lastOf, report);
      checkForm(step, report);
      checkSecrets(instruction, report);
      if (instruction.name === 'WORKDIR') checkWorkdir(step, report);
      if (instruction.name === 'EXPOSE') checkPorts(step, report);
      if (instruction.name === 'ADD' || (instruction.name === 'COPY' && instruction.from === undefined)) {
        checkIgnored(instruction, step, options, report);
      }
    },
  };
}

function checkBasePlatform(planned: PlannedStage | undefined, { image, platforms }: Options, report: Report): void {
  if (planned?.base.kind !== 'image') return;
  const actual = image(planned.base.name)?.platform;
  if (actual === undefined) return;
  const expected = planned.platform === undefined ? platforms.target : parsePlatform(planned.platform);
  if (expected.os === actual.os && expected.architecture === actual.architecture) return;
  const [have, want] = [actual, expected].map((platform) =>
    JSON.stringify(formatPlatform(normalisePlatform(platform))),
  );
  const message = `Base image ${planned.base.name} was pulled with platform ${have}, expected ${want} for current build`;
  report('InvalidBaseImagePlatform', message, planned.stage.from.statement);
}

/** Among more variables than these the near one is not searched for. */
const MOST_VARIABLES = 1000;

function reportUndefined({ statement }: Instruction, name: string, env: Variables, report: Report): void {
  const near = env.size > MOST_VARIABLES ? undefined : nearestName(name, [...env.keys()]);
  const hint = near === undefined ? '' : ` (did you mean $${near}?)`;
  report('UndefinedVar', `Usage of undefined variable '$${name}'${hint}`, statement);
}

const onceNames: ReadonlySet<string> = new Set(['CMD', 'ENTRYPOINT', 'HEALTHCHECK']);

function checkOnce({ instruction, planned }: StageStep, lastOf: Map<string, Statement>, report: Report): void {
  const { name, statement } = instruction;
  if (!onceNames.has(name)) return;
  const key = `${planned.stage.index} ${name}`;
  const before = lastOf.get(key);
  lastOf.set(key, statement);
  if (before === undefined) return;
  const sentence = 'instructions should not be used in the same stage because only the last one will be used';
  report('MultipleInstructionsDisallowed', `Multiple ${statement.keyword} ${sentence}`, before);
}

function checkForm({ instruction, shell }: StageStep, report: Report): void {
  const { statement } = instruction;
  const { keyword } = statement;
  if (instruction.name === 'CMD' || instruction.name === 'ENTRYPOINT') {
    if (instruction.command.form === 'exec' || shell) return;
    const message = `JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`;
    report('JSONArgsRecommended', message, statement);
  } else if ((instruction.name === 'ENV' || instruction.name === 'LABEL') && instruction.legacy) {
    const message = `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`;
    report('LegacyKeyValueFormat', message, statement);
  }
}

const secretName = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const harmlessName = /(?:_|^)(?:public|file|version)(?:_|$)/i;

function checkSecrets(instruction: Instruction, report: Report): void {
  if (instruction.name !== 'ARG' && instruction.name !== 'ENV') return;
  const keys = instruction.name === 'ARG' ? instruction.args : instruction.pairs;
  for (const { key } of keys) {
    if (!secretName.test(key) || harmlessName.test(key)) continue;
    const what = `(${instruction.name} ${JSON.stringify(key)})`;
    const message = `Do not use ARG or ENV instructions for sensitive data ${what}`;
    report('SecretsUsedInArgOrEnv', message, instruction.statement);
  }
}

function checkWorkdir({ instruction, words, workdir }: StageStep, report: Report): void {
  const directory = words[0]?.text ?? '';
  if (workdir || path.isAbsolute(directory)) return;
  const what = JSON.stringify(directory);
  const message = `Relative workdir ${what} can have unexpected results if the base image changes`;
  report('WorkdirRelativePath', message, instruction.statement);
}

function checkPorts({ instruction, words }: StageStep, report: Report): void {
  for (const port of words.flatMap((expansion) => expansion.words)) {
    const [ports = '', protocol = ''] = port.split('/');
    if (protocol !== protocol.toLowerCase()) {
      const message = `Defined protocol '${port}' in EXPOSE instruction should be lowercase`;
      report('ExposeProtoCasing', message, instruction.statement);
    }
    if (ports.includes(':')) {
      const sentence = 'EXPOSE instruction should not define an IP address or host-port mapping';
      report('ExposeInvalidFormat', `${sentence}, found '${port}'`, instruction.statement);
    }
  }
}

function checkIgnored(
  { name, sources, statement }: AddInstruction | CopyInstruction,
  { words }: StageStep,
  { ignore }: Options,
  report: Report,
): void {
  if (ignore === undefined || ignore.exceptions) return;
  for (const { text } of words.slice(0, sources.paths.length)) {
    const file = path.join('/', text).slice(1);
    if (file === '' || /^[a-z+]+:\/\//i.test(text) || !ignore.rules.ignores(file)) continue;
    const verb = name === 'ADD' ? 'Add' : 'Copy';
    const message = `Attempting to ${verb} file ${JSON.stringify(file)} that is excluded by .dockerignore`;
    report('CopyIgnoredFile', message, statement);
  }
}
