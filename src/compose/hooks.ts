import { TugError } from '../base/errors.ts';
import { create, inspect, startAttached } from '../client/calls/exec.ts';
import type { Engine } from '../client/engine.ts';
import type { Hook } from '../formats/compose-file/model.ts';
import { createFrameDecoder } from '../formats/raw-stream.ts';
import type { ComposeDeps } from './deps.ts';
import type { Instance } from './observe.ts';
import { environmentList } from './service-config.ts';

/** Runs `post_start` or `pre_stop` commands in a container, one after the other. @throws conflict for one that fails. */
export async function runHooks(
  deps: ComposeDeps,
  hooks: readonly Hook[] | undefined,
  instance: Instance,
): Promise<void> {
  for (const hook of deps.dryRun ? [] : (hooks ?? [])) {
    const { code, output } = await runCommand(deps.engine, instance, hook);
    if (code !== 0)
      throw new TugError(
        'conflict',
        `the hook ${JSON.stringify(hook.command.join(' '))} of container ${instance.name} ended with exit code ${code}${output === '' ? '' : `: ${output}`}`,
      );
  }
}

/** Runs one command in a container to its end. @returns its exit code, and what it wrote. */
export async function runCommand(
  engine: Engine,
  { id }: Instance,
  hook: Hook,
): Promise<{ code: number; output: string }> {
  const exec = await create(engine, id, {
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Cmd: [...hook.command],
    Env: environmentList(hook.environment),
    ...(hook.user === undefined ? {} : { User: hook.user }),
    ...(hook.working_dir === undefined ? {} : { WorkingDir: hook.working_dir }),
    ...(hook.privileged ? { Privileged: true } : {}),
  });
  const stream = await startAttached(engine, exec, { Tty: false });
  const said: Buffer[] = [];
  const decoder = createFrameDecoder((_stream, data) => said.push(Buffer.from(data)));
  for (let chunk = await stream.read(); chunk; chunk = await stream.read()) decoder.push(chunk);
  const { ExitCode: code } = await inspect(engine, exec);
  return { code: code ?? 0, output: Buffer.concat(said).toString().trim() };
}
