import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Engine } from './engines.ts';
import { timed } from './measure.ts';
import { type Client, runCommand, type StepScenario } from './steps.ts';

const from = 'FROM busybox';

/** Twelve instructions of all sorts, none of which needs a network. */
const twelveSteps = [
  ...[from, 'ENV A=1', 'WORKDIR /app', 'COPY file /app/', 'RUN echo 1 > one', 'RUN mkdir two && echo 2 > two/file'],
  ...['LABEL a=b', 'COPY file /app/two/copied', 'RUN rm one', 'EXPOSE 80', 'RUN ls -lR /app > list', 'CMD ["sh"]'],
].join('\n');

const spin = 'RUN i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo $i > /result';
const fourStages = [
  ...[1, 2, 3, 4].flatMap((number) => [`${from} AS stage${number}`, `ENV STAGE=${number}`, spin]),
  from,
  ...[1, 2, 3, 4].map((number) => `COPY --from=stage${number} /result /result${number}`),
].join('\n');

const folderOf = (engine: Engine, name: string): string =>
  path.join(os.tmpdir(), `tugbench-build-${process.pid}`, `${engine.name}-${name}`);

interface Case {
  readonly name: string;
  readonly target: number;
  readonly rounds: number;
  readonly client?: Client;
  /** Builds once before, and then with the cache. */
  readonly cached?: boolean;
  readonly dockerfile: string;
  readonly fill: (folder: string) => void;
  /** Before each round. */
  readonly change?: (folder: string, round: number) => void;
}

function scenario({ name, client = 'docker', ...one }: Case): StepScenario {
  const key = name.replace(/[^a-z0-9]+/gi, '-');
  let round = 0;
  const build = (engine: Engine): Promise<void> => {
    const again = one.cached === true || one.change ? [] : ['--no-cache'];
    return runCommand(engine, ['build', '-q', ...again, '-t', 'bench-built', folderOf(engine, key)], client);
  };
  return {
    ...{ name: `build: ${name}`, kind: 'steps', unit: 'ms', target: one.target, rounds: one.rounds, warmUp: 1 },
    async before(engine) {
      const folder = folderOf(engine, key);
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(folder, 'Dockerfile'), one.dockerfile);
      one.fill(folder);
      if (one.cached) await build(engine);
    },
    async measure(engine) {
      round += 1;
      one.change?.(folderOf(engine, key), round);
      return await timed(() => build(engine));
    },
    async after(engine) {
      fs.rmSync(folderOf(engine, key), { recursive: true, force: true });
      fs.rmSync(path.dirname(folderOf(engine, key)), { recursive: true, force: true });
      await runCommand(engine, ['rmi', '-f', 'bench-built'], client);
    },
  };
}

const oneFile = (folder: string): void => fs.writeFileSync(path.join(folder, 'file'), 'content\n');

function manyFiles(folder: string): void {
  for (let outer = 0; outer < 50; outer += 1) {
    fs.mkdirSync(path.join(folder, `d${outer}`), { recursive: true });
    for (let inner = 0; inner < 1000; inner += 1)
      fs.writeFileSync(path.join(folder, `d${outer}`, `f${inner}`), `${outer} ${inner}\n`);
  }
}

/** The builder's rows: Docker's classic builder is what the others are compared with. */
export const buildScenarios: readonly StepScenario[] = [
  scenario({ name: '12 steps, cold', target: 0.25, rounds: 7, dockerfile: twelveSteps, fill: oneFile }),
  scenario({ name: '12 steps, cached', target: 0.5, rounds: 7, cached: true, dockerfile: twelveSteps, fill: oneFile }),
  scenario({
    ...{ name: '12 steps, cold, own command line', target: 0.25, rounds: 7, client: 'own' },
    ...{ dockerfile: twelveSteps, fill: oneFile },
  }),
  scenario({
    ...{ name: '12 steps, cached, own command line', target: 0.5, rounds: 7, client: 'own', cached: true },
    ...{ dockerfile: twelveSteps, fill: oneFile },
  }),
  scenario({ name: 'four stages that work', target: 0.6, rounds: 5, dockerfile: fourStages, fill: oneFile }),
  scenario({
    ...{ name: 'COPY of 50,000 files, one of them changed', target: 0.2, rounds: 3, client: 'own' },
    ...{ dockerfile: `${from}\nCOPY . /files`, fill: manyFiles },
    change: (folder, round) => fs.writeFileSync(path.join(folder, 'd7/f7'), `changed ${round}\n`),
  }),
  copyOfLargeFile('COPY of 500 MB', 'own'),
  copyOfLargeFile("COPY of 500 MB, docker's client", 'docker'),
];

function copyOfLargeFile(name: string, client: Client): StepScenario {
  return scenario({
    ...{ name, target: 0.5, rounds: 3, client, dockerfile: `${from}\nCOPY file /file`, fill: () => {} },
    change: (folder, round) =>
      fs.writeFileSync(path.join(folder, 'file'), Buffer.alloc(500_000_000, `${name}, ${round}`)),
  });
}
