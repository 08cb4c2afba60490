import type { ContainerWhy, WhyCommand, WhyEnd } from '../../../api/types/container-why.ts';
import { bytesSize } from '../../../formats/bytes.ts';
import { humanDuration } from '../../../formats/duration.ts';

/** The facts as sentences, one a line. `now` tells how long ago things were. */
export function describeWhy(why: ContainerWhy, now: Date): string {
  const lines = [
    stateSentence(why, now),
    ...(why.End ? endSentences(why, why.End) : []),
    ...errorSentence(why),
    ...(why.Command ? [commandSentence(why.Command)] : []),
    ...memorySentence(why),
    ...healthSentences(why),
    ...restartSentences(why),
    ...outputLines(why),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const isUp = ({ Status }: ContainerWhy): boolean => Status === 'running' || Status === 'paused';

/** True when the last attempt to start it went wrong. */
const isFailedStart = (why: ContainerWhy): boolean => !isUp(why) && why.Error !== '' && why.End?.Cause !== 'lost';

function stateSentence(why: ContainerWhy, now: Date): string {
  const { Name, Status, Since, Image } = why;
  const ago = humanDuration((now.getTime() - Date.parse(Since)) * 1e6).toLowerCase();
  if (isFailedStart(why)) return `${Name} (${Image}) could not be started; it was made ${ago} ago, at ${Since}.`;
  const states: Readonly<Record<string, string>> = {
    running: `has been running for ${ago}, since ${Since}`,
    paused: `is paused; it was started ${ago} ago, at ${Since}`,
    created: `was created ${ago} ago, at ${Since}, and has not run`,
    restarting: `waits to be started again; it ended ${ago} ago, at ${Since}`,
    exited: `ended ${ago} ago, at ${Since}`,
  };
  return `${Name} (${Image}) ${states[Status] ?? `is ${Status} since ${Since}`}.`;
}

function endSentences(why: ContainerWhy, end: WhyEnd): string[] {
  const signal = end.Signal?.Name;
  const code = `exit code ${end.ExitCode}${signal === undefined ? '' : `, which stands for ${signal}`}`;
  const ran = humanDuration(end.Ran * 1e9).toLowerCase();
  const which = isUp(why) || isFailedStart(why) ? 'Its run before' : 'It';
  const sentence = `${which} ran for ${ran} and ended with ${code}.`;
  return [sentence, causeSentence(end, signal)];
}

function causeSentence({ Cause, ExitCode }: WhyEnd, signal: string | undefined): string {
  const causes: Readonly<Record<WhyEnd['Cause'], string>> = {
    itself: ExitCode === 0 ? 'It ended on its own, without a fault.' : `It ended on its own, and says that it failed.`,
    stop: 'A client stopped it.',
    'stop-timeout': 'A client stopped it; it did not end in time, and was killed.',
    kill: `A client sent it ${signal}.`,
    restart: 'A client restarted it.',
    unhealthy: 'The engine stopped it since it was unhealthy.',
    oom: 'The kernel killed it since it had no memory left.',
    outside: `Neither a client nor the engine sent it ${signal}: something else on the host did, or a program in it ended with this code.`,
    lost: 'Nobody recorded how: its monitor was killed, or the host was restarted.',
  };
  return causes[Cause];
}

function errorSentence({ Error: words, End }: ContainerWhy): string[] {
  return words === '' || End?.Cause === 'lost' ? [] : [`The error: ${words}`];
}

function commandSentence({ Path, Problem, Missing, Architecture, HostArchitecture }: WhyCommand): string {
  const missing = Missing.join(', ');
  const problems: Readonly<Record<WhyCommand['Problem'], string>> = {
    'not-found': `Its command ${Path} is not in the image, or leads to a file that is not.`,
    'not-in-path': `Its command ${Path} is in no folder of PATH.`,
    directory: `Its command ${Path} is a folder.`,
    'not-executable': `Its command ${Path} may not be executed: it lacks the permission (chmod +x).`,
    'wrong-architecture': `Its command ${Path} is a program for ${Architecture}, and this host is ${HostArchitecture}.`,
    'no-program': `Its command ${Path} is neither a program nor a script that begins with #!.`,
    'missing-interpreter': `Its command ${Path} needs ${missing} to be run, which is not in the container.`,
    'carriage-return': `The first line of its command ${Path} ends with a carriage return, which is taken for a part of ${missing}: save the script with Unix line ends.`,
    'missing-libraries': `Its command ${Path} needs libraries that are not in the container: ${missing}.`,
  };
  return problems[Problem];
}

function memorySentence({ Memory, End }: ContainerWhy): string[] {
  if (!Memory) return [];
  const { Limit, Peak, OOMKills } = Memory;
  if (OOMKills === 0 && End?.Cause !== 'oom') return [];
  const limit = Limit > 0 ? `of a limit of ${bytesSize(Limit)}` : 'and has no limit of its own';
  const used = Peak > 0 ? `It used up to ${bytesSize(Peak)} of memory, ${limit}` : `It has memory ${limit}`;
  const killed = OOMKills === 1 ? 'one process' : `${OOMKills} processes`;
  return [`${used}; the kernel killed ${killed} in it.`];
}

function healthSentences({ Health }: ContainerWhy): string[] {
  if (!Health || (Health.Status !== 'unhealthy' && Health.FailingStreak === 0)) return [];
  const test = Health.Test.slice(1).join(' ');
  const times = Health.FailingStreak === 1 ? 'once' : `${Health.FailingStreak} times in a row`;
  const head = `It is ${Health.Status}: its health check (${test}) failed ${times}.`;
  if (!Health.Failed) return [head];
  const { End, ExitCode, Output } = Health.Failed;
  const how = ExitCode === -1 ? 'did not end in time' : `ended with exit code ${ExitCode}`;
  const output = Output.trimEnd();
  return [head, `The last one that failed ${how} at ${End}${output === '' ? '.' : ':'}`, ...indented(output)];
}

function restartSentences({ Restarts, Runs, Status }: ContainerWhy): string[] {
  const { Policy, Count, Wait, MaximumRetryCount } = Restarts;
  const sentences: string[] = [];
  if (Policy !== 'no') {
    const bound = Policy === 'on-failure' && MaximumRetryCount > 0 ? `:${MaximumRetryCount}` : '';
    const times = Count === 1 ? 'once' : `${Count} times`;
    const restarted = Count === 0 ? 'has not restarted it since somebody started it' : `restarted it ${times}`;
    const wait =
      Count > 0 && Wait > 0 ? `, ${Status === 'restarting' ? 'now' : 'last'} after ${Wait / 1000} seconds` : '';
    sentences.push(`Its restart policy ${Policy}${bound} ${restarted}${wait}.`);
  }
  if (Runs.length > 1) sentences.push('Its last runs:', ...Runs.map(runLine));
  return sentences;
}

function runLine({ Started, Ended, ExitCode, OOMKilled }: ContainerWhy['Runs'][number]): string {
  const end = Ended === null ? 'runs' : `${Ended}  exit code ${ExitCode}${OOMKilled ? ', out of memory' : ''}`;
  return `  ${Started ?? 'earlier'} to ${end}`.replace(/ to runs$/, ' and runs');
}

function outputLines({ Output }: ContainerWhy): string[] {
  if (Output.length === 0) return [];
  return ['The last of its output:', ...Output.map(({ Line }) => `  ${printable(Line)}`)];
}

const indented = (text: string): string[] =>
  text === '' ? [] : text.split('\n').map((line) => `  ${printable(line)}`);

/** Without what would move a terminal's cursor or change its colours. */
const printable = (text: string): string => text.replace(/[\0-\x08\x0b-\x1f\x7f]/g, '');
