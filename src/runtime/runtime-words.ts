import { internal, invalid, type TugError } from '../base/errors.ts';

/**
 * What a runtime wrote to standard error, as one sentence: the text of logrus lines (`time=... msg="..."`) or
 * of JSON log lines, without a program name in front; several errors are joined by "; ".
 */
export function runtimeWords(stderr: string): string {
  const words: string[] = [];
  for (const line of stderr.split('\n')) {
    const text = wordsOf(line.trim());
    if (text !== '' && !words.includes(text)) words.push(text);
  }
  return words.join('; ');
}

function wordsOf(line: string): string {
  const quoted = / msg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  if (quoted !== undefined) {
    if (/level=(warning|info|debug)/.test(line)) return '';
    return JSON.parse(quoted) as string;
  }
  return line.replace(/^\d{4}-\d\d-\d\dT\S+ ?:? /, '').replace(/^\[?(crun|runc)\]?:(create:)? ?/, '');
}

/** The reasons that Docker's client looks for in a message to choose the exit codes 127 and 126. */
const reasons = [
  [/executable file .*not found in \$?PATH/i, 'command-not-found', 'executable file not found in $PATH'],
  [/exec(utable)?\b.*no such file or directory|no such file .*exec/i, 'command-not-found', 'no such file or directory'],
  [/exec(utable)?\b.*(is a directory)/i, 'command-not-executable', 'is a directory'],
  [/exec(utable)?\b.*(permission denied|operation not permitted)/i, 'command-not-executable', 'permission denied'],
  [/exec(utable)?\b.*exec format error/i, 'command-not-executable', 'exec format error'],
] as const;

/** An empty name is no file anywhere; crun tries the folder that PATH begins with. */
const emptyCommand = ['command-not-found', 'executable file not found in $PATH'] as const;

const taskPrefix = 'failed to create task for container: failed to create shim task: ';

/**
 * The error for a runtime that refused to create a container or to run a process in it. `command` is what the
 * user wanted to run. The message has Docker's shape, and the lower-case words its client looks for.
 */
export function refusedByRuntime(
  runtime: string,
  verb: 'create' | 'restore' | 'exec',
  words: string,
  command: string,
): TugError {
  const told = `${verb !== 'exec' ? taskPrefix : ''}OCI runtime ${verb} failed: `;
  for (const [pattern, ...found] of reasons) {
    if (!pattern.test(words)) continue;
    const [code, reason] = command === '' ? emptyCommand : found;
    const sentence = `unable to start container process: exec: ${JSON.stringify(command)}: ${reasonFor(command, reason)}`;
    return invalid(`${told}${runtime} ${verb} failed: ${sentence}: unknown`, { code, details: { words } });
  }
  if (/mount.*(not a directory|is a directory)/i.test(words)) {
    const hint =
      'Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type';
    return invalid(`${told}${words}: ${hint}: unknown`, { code: 'mount-kind', details: { runtime } });
  }
  if (kernelRefusals.some((pattern) => pattern.test(words)))
    return invalid(`${told}${words}: unknown`, { code: 'value-refused', details: { runtime } });
  return internal(`${told}${words || `${runtime} failed without a word`}: unknown`, { details: { runtime } });
}

/** The error for an AppArmor profile that is not loaded, in the words of runc, which is what Docker shows. */
export function refusedProfile(verb: 'create' | 'exec', profile: string): TugError {
  const written = 'write /proc/self/attr/apparmor/exec: no such file or directory';
  const failed = `unable to apply apparmor profile: apparmor failed to apply profile: ${written}`;
  const told = verb === 'create' ? taskPrefix : '';
  const sentence = `unable to start container process: error during container init: ${failed}`;
  return invalid(
    `${told}OCI runtime ${verb} failed: runc ${verb} failed: ${sentence}: the profile ${JSON.stringify(profile)} is not loaded: unknown`,
    { code: 'command-not-found' }, // the exit code 127 that Docker makes of these words
  );
}

/** Values of the request that the kernel does not take: the user's to change, and no fault of the engine. */
const kernelRefusals = [
  /writing file `[^`]+`: (Invalid argument|Numerical result out of range|Argument list too long|No such device)/i,
  /write to \/proc\/self\/oom_score_adj: Permission denied/i,
  /set(host|domain)name: Invalid argument/i,
  /chdir .*: (no such file or directory|not a directory|permission denied)/i,
  /sysctl .* is not (namespaced|in a separate kernel namespace)/i,
  /: file name too long/i,
];

/** crun says "not found in $PATH" of a path too; Docker says that the file is not there. */
const reasonFor = (command: string, reason: string): string =>
  reason.includes('$PATH') && command.includes('/') ? `stat ${command}: no such file or directory` : reason;
