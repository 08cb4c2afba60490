import { randomBytes } from 'node:crypto';
import * as path from 'node:path';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import type { RunResult } from '../../src/base/process.ts';
import { type Running, start } from '../../src/cli/test-programs.ts';
import { environmentOf, programOf } from './command-lines.ts';
import type { TestEngine } from './engine.ts';

const fixtures = path.resolve(import.meta.dirname, '../fixtures/compose');

/** An application of test/fixtures/compose under a name of its own; it is taken away at the end of the scope. */
export interface TestProject extends AsyncDisposable {
  readonly name: string;
  /** `tug compose` with this project's name and files. */
  compose(args: readonly string[], env?: Record<string, string>): Promise<RunResult>;
  /** The same for a command that the test talks to while it runs. */
  begin(args: readonly string[], env?: Record<string, string>): Running;
  /** Ids by the containers' names without the project's, `db-1`. */
  ids(): Promise<Record<string, string>>;
  inspect(container: string): Promise<ContainerInspect>;
}

/** @param files below test/fixtures/compose, or absolute. */
export function testProject(engine: TestEngine, image: string, ...files: readonly string[]): TestProject {
  const name = `t${randomBytes(4).toString('hex')}`;
  const own = ['compose', '-p', name, ...files.flatMap((file) => ['-f', path.resolve(fixtures, file)])];
  const environment = (env: Record<string, string> = {}) => ({ IMAGE: image, ...env });
  const begun: Running[] = [];
  const project: TestProject = {
    name,
    compose: (args, env) => engine.tug([...own, ...args], { env: environment(env) }),
    begin(args, env) {
      const options = { env: { ...environmentOf(engine), ...environment(env) } };
      const running = start([programOf('tug')], [...own, ...args], options);
      begun.push(running);
      return running;
    },
    async ids() {
      const filters = encodeURIComponent(JSON.stringify({ label: [`com.docker.compose.project=${name}`] }));
      const { text } = await engine.api('GET', `/containers/json?all=1&filters=${filters}`);
      const found = JSON.parse(text) as { Id: string; Names: string[] }[];
      return Object.fromEntries(found.map(({ Id, Names }) => [Names[0]!.replace(`/${name}-`, ''), Id]));
    },
    async inspect(container) {
      const { text } = await engine.api('GET', `/containers/${name}-${container}/json`);
      return JSON.parse(text) as ContainerInspect;
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of begun) child.kill('SIGKILL'); // where a test failed before their end
      await engine.tug(['compose', '-p', name, 'down', '-v', '-t', '0', '--remove-orphans'], { cwd: '/' });
    },
  };
  return project;
}
