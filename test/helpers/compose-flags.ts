import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { RunResult } from '../../src/base/process.ts';
import { composeCommands } from '../../src/cli/commands/compose/commands.ts';
import { type Running, start } from '../../src/cli/test-programs.ts';
import { environmentOf, programOf } from './command-lines.ts';
import { startEngine, starterImage, type TestEngine } from './engine.ts';

const commandNames = new Set(composeCommands.map(({ name }) => name));

/** A project with an engine of its own, whose commands are counted by their flags. */
export interface FlagProject extends AsyncDisposable {
  readonly engine: TestEngine;
  readonly image: string;
  readonly folder: string;
  readonly name: string;
  /** `COMMAND --flag` of everything that ran; of options before the command, `compose --flag`. */
  readonly used: Set<string>;
  /** Writes a file below the folder. @returns its path. */
  file(name: string, text: string): string;
  /** Runs `tug compose -p NAME ...`, in the folder. */
  compose(line: readonly string[], env?: Record<string, string>): Promise<RunResult>;
  begin(...line: string[]): Running;
  /** What it prints. @throws when it fails. */
  out(...line: string[]): Promise<string>;
  /** What it says of its steps, without the project's name. @throws when it fails. */
  steps(...line: string[]): Promise<string>;
  /** Ids by the containers' names without the project's, `db-1`. */
  ids(name?: string): Promise<Record<string, string>>;
  /** The flags of commands that nothing ran with, but for those of `elsewhere`. */
  unused(commands: readonly string[], elsewhere: readonly string[]): Promise<string[]>;
}

/** @param name of the project; it is taken away with the engine. */
export async function flagProject(name: string): Promise<FlagProject> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-flags-'));
  await using opened = new AsyncDisposableStack();
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const engine = opened.use(await startEngine());
  const image = await starterImage(engine);
  opened.move();
  const used = new Set<string>();
  const begun: Running[] = [];
  const count = (line: readonly string[]): string[] => {
    const at = line.findIndex((word) => commandNames.has(word));
    for (const [index, word] of line.entries())
      if (word.startsWith('--')) used.add(`${index < at ? 'compose' : line[at]} ${word.split('=')[0]}`);
    return ['compose', '-p', name, ...line];
  };
  const compose = (line: readonly string[], env: Record<string, string> = {}): Promise<RunResult> =>
    engine.tug(count(line), { env, cwd: folder });
  const succeed = async (line: readonly string[]): Promise<RunResult> => {
    const result = await compose(line);
    assert.equal(result.code, 0, `${line.join(' ')}: ${result.stdout}${result.stderr}`);
    return result;
  };
  return {
    ...{ engine, image, folder, name, used, compose },
    file(relative, text) {
      const target = path.join(folder, relative);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, text);
      return target;
    },
    begin(...line) {
      const [command = '', ...rest] = count(line);
      const files = ['-f', path.join(folder, 'compose.yaml')];
      const running = start([programOf('tug')], [command, ...files, ...rest], { env: environmentOf(engine) });
      begun.push(running);
      return running;
    },
    out: async (...line) => (await succeed(line)).stdout,
    steps: async (...line) => (await succeed(line)).stderr.replaceAll(name, ''),
    async ids(of = name) {
      const filters = encodeURIComponent(JSON.stringify({ label: [`com.docker.compose.project=${of}`] }));
      const { text } = await engine.api('GET', `/containers/json?all=1&filters=${filters}`);
      const found = JSON.parse(text) as { Id: string; Names: string[] }[];
      return Object.fromEntries(found.map(({ Id, Names }) => [Names[0]!.replace(`/${of}-`, ''), Id]));
    },
    async unused(commands, elsewhere) {
      const all = commands.map(async (wanted) => {
        const leaf = composeCommands.find((one) => one.name === wanted);
        assert.ok(leaf, wanted);
        return (await leaf.load()).command.flags.map(({ long }) => `${wanted} --${long}`);
      });
      return (await Promise.all(all)).flat().filter((one) => !used.has(one) && !elsewhere.includes(one));
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of begun) child.kill('SIGKILL'); // where a test failed before their end
      await engine[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
