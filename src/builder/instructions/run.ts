import { crashPoint } from '../../base/crash-points.ts';
import { TugError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { bytesSize } from '../../formats/bytes.ts';
import { type RunScript, runScript } from '../../formats/dockerfile/parse-run.ts';
import type { RunInstruction } from '../../formats/dockerfile/types.ts';
import { onTop, type Scope } from '../build-context.ts';
import { filesBelow, markOf, type StepInputs, slotOf } from '../cache/inputs.ts';
import { keyOf } from '../cache/keys.ts';
import type { BuildRequest, Entitlement } from '../contract.ts';
import { type RunMounts, resolveMounts } from '../run/mounts.ts';
import { watchChain } from '../run/watched-chain.ts';
import { argumentsOf, environmentOf, historyComment, type StageState } from '../state.ts';
import { wordsOf } from './command.ts';
import { isoOf } from './place-files.ts';

/** Names that `--build-arg` may give without an ARG; they change nothing of the cache and are not in the history. */
const proxies = new Set(['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'all_proxy']);

/** RUN: what the command writes is a layer. */
export async function run(state: StageState, instruction: RunInstruction, scope: Scope): Promise<StageState> {
  const { build, step, noCache, cached } = scope;
  checkAllowed(instruction, build.request);
  const script = runScript(instruction);
  const mounts = await resolveMounts(state, instruction, scope);
  const args = commandOf(state, script);
  const given = argumentsOf(state);
  const key = keyOf(
    ...['run', state.layers.at(-1) ?? '', args, script.form === 'file' ? script.content : '', given],
    ...[state.config.Env ?? [], state.config.WorkingDir ?? '', state.config.User ?? ''],
    ...[instruction.network, build.request.host.NetworkMode ?? '', mounts.key, state.platform, build.epoch ?? ''],
    ...(instruction.security === 'insecure' ? ['insecure'] : []),
  );
  const result = await build.steps.run({
    ...{ key, holder: build.holder, layers: state.layers, noCache, description: step.text },
    created: build.epoch === undefined ? undefined : isoOf(build.epoch),
    slot: slotOf(step),
    inputs: () => inputsOf(state, instruction, { args, script, mounts, build }),
    make: () =>
      build.withSlot(async (waited) => {
        if (waited) build.listener.waited(step);
        return await execute(state, instruction, scope, { args, script, mounts });
      }),
  });
  if (result.cached) cached();
  else scope.done(result.why);
  const declared = declaredArguments(state);
  const shown = declared.length === 0 ? '' : `|${declared.length} ${declared.join(' ')} `;
  return {
    ...state,
    layers: onTop(state.layers, result.layer),
    history: [
      ...state.history,
      {
        created: result.created,
        created_by: `RUN ${shown}${args.join(' ')} # buildkit`,
        comment: historyComment,
        ...(result.layer === undefined ? { empty_layer: true } : {}),
      },
    ],
  };
}

/** @throws forbidden, in BuildKit's words, for what could harm the host and was not allowed. */
function checkAllowed({ network, security }: RunInstruction, { allow }: BuildRequest): void {
  const asked: Entitlement[] = [];
  if (network === 'host') asked.push('network.host');
  if (security === 'insecure') asked.push('security.insecure');
  for (const one of asked)
    if (!allow.includes(one)) throw new TugError('forbidden', `${one} is not allowed`, { code: 'not-entitled' });
}

/** What the key is made of, by the names that a user knows. */
function inputsOf(
  state: StageState,
  { network, security }: RunInstruction,
  { args, script, mounts, build }: Pick<Scope, 'build'> & { args: string[]; script: RunScript; mounts: RunMounts },
): StepInputs {
  const named = (kind: string, values: Iterable<readonly [string, string]>) =>
    Object.fromEntries([...values].map(([name, value]) => [`${kind} ${name}`, markOf(value)]));
  return {
    [filesBelow]: state.layers.at(-1) ?? '',
    'the command': markOf([args, script.form === 'file' ? script.content : '']),
    ...named('ENV', environmentOf(state)),
    ...named('ARG', argumentsOf(state)),
    WORKDIR: markOf(state.config.WorkingDir ?? ''),
    USER: markOf(state.config.User ?? ''),
    'the network': markOf([network, build.request.host.NetworkMode ?? '']),
    ...(security === 'insecure' ? { '--security': markOf(security) } : {}),
    'what is mounted': markOf(mounts.key),
    'the platform': markOf(state.platform),
    SOURCE_DATE_EPOCH: markOf(build.epoch ?? ''),
  };
}

/** As the history has them: with the value of an ENV that hides them, and those that have none too. */
function declaredArguments(state: StageState): string[] {
  const environment = environmentOf(state);
  return [...state.args].map(([name, value]) => `${name}=${environment.get(name) ?? value ?? ''}`);
}

function commandOf(state: StageState, script: RunScript): string[] {
  return script.form === 'file' ? [`/dev/pipes/${script.name}`] : wordsOf(state, script);
}

async function execute(
  state: StageState,
  instruction: RunInstruction,
  scope: Scope,
  { args, script, mounts }: { args: string[]; script: RunScript; mounts: RunMounts },
) {
  const { build, step, keepTar } = scope;
  const { network, security } = instruction;
  const { images, work, request, holder, epoch, signal, listener } = build;
  const id = newId();
  const host = {
    ...request.host,
    ...(network === 'default' ? {} : { NetworkMode: network }),
    ...(security === 'insecure' ? { Privileged: true, UsernsMode: 'host' } : {}),
  };
  const asked = Object.entries(request.buildArgs).filter(
    ([name, value]) => proxies.has(name.toLowerCase()) && value !== undefined && !state.args.has(name),
  );
  await using own = await mounts.open(script);
  const watch = watchChain(state, instruction, scope, { script, args });
  try {
    const end = await work.run(
      {
        ...{ id, layers: state.layers, args: watch?.args ?? args, host, hostname: 'build' },
        mounts: [...own.mounts, ...(watch ? [watch.mount] : [])],
        env: [...asked, ...argumentsOf(state)].map((pair) => pair.join('=')).concat(state.config.Env ?? [], own.env),
        cwd: state.config.WorkingDir || '/',
        user: state.config.User ?? '',
      },
      (stream, chunk) => listener.output(step, stream, chunk),
      signal,
    );
    if (end.code !== 0)
      throw failure(args, end.code, {
        memory: end.oomKilled ? host.Memory : undefined,
        part: watch?.reached(end.code),
      });
    crashPoint('build.run.ended');
    const places = new Set([...work.places, ...own.places]);
    return await images.builds.adopt({ id, layers: state.layers, places }, { holder, keepTar, epoch }, signal);
  } finally {
    await work.discard(id);
  }
}

/** Docker's sentence for a command that failed; clients that show steps say it in their own words. */
function failure(
  args: readonly string[],
  code: number,
  { memory, part }: { memory: number | undefined; part: string | undefined },
): TugError {
  const words = args.join(' ');
  const killed = `a process of it was killed, since it may have ${bytesSize(memory ?? 0)} of memory (--memory)`;
  const about = [...(memory === undefined ? [] : [killed]), ...(part === undefined ? [] : [part])]
    .map((line) => `\n${line}`)
    .join('');
  return new TugError('invalid', `The command '${words}' returned a non-zero code: ${code}${about}`, {
    code: 'build-step-failed',
    details: { exitCode: code, command: words, about },
  });
}
