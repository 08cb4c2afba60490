import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Engine } from './engines.ts';
import { timed } from './measure.ts';
import { runProgram, type StepScenario } from './steps.ts';

const names = Array.from({ length: 10 }, (_, at) => `s${at}`);

/** Ten services: a database with a health check, three that need it healthy, and two behind each of those. */
const tenServices = `version: "2.4"
services:
${names
  .map((name, at) => {
    const need =
      at === 0
        ? undefined
        : at < 4
          ? 's0: {condition: service_healthy}'
          : `s${Math.ceil((at - 3) / 2)}: {condition: service_started}`;
    return `  ${name}:
    image: busybox
    command: sleep 86400
    stop_signal: KILL
    healthcheck: {test: "true", interval: 1s, retries: 3}
${need === undefined ? '' : `    depends_on: {${need}}\n`}`;
  })
  .join('')}`;

/** Some 2,000 lines. */
const longProject = `services:
${Array.from(
  { length: 100 },
  (_, at) => `  service${at}:
    image: registry.example.org/team/service${at}:\${TAG:-1.${at}}
    command: ["serve", "--port", "80${at}"]
    restart: unless-stopped
    environment:
      LEVEL: \${LEVEL:-info}
      NUMBER: "${at}"
      DATABASE_URL: postgres://user@service0/db${at}
    ports:
      - "${10_000 + at}:80"
    volumes:
      - data${at % 10}:/data
    networks:
      - net${at % 5}
    labels:
      org.example.number: "${at}"
    healthcheck:
      test: ["CMD", "true"]
      interval: 30s
`,
).join('')}volumes:
${Array.from({ length: 10 }, (_, at) => `  data${at}: {}\n`).join('')}networks:
${Array.from({ length: 5 }, (_, at) => `  net${at}: {}\n`).join('')}`;

const folderOf = (engine: Engine): string => path.join(os.tmpdir(), `tugbench-compose-${process.pid}-${engine.name}`);

/** Debian's docker-compose 1.29 on dockerd, `tug compose` on tug. */
function compose(engine: Engine, ...args: string[]): Promise<void> {
  const [file = '', ...before] = engine.name === 'tug' ? [...engine.cli, 'compose'] : ['docker-compose'];
  return runProgram(
    file,
    [...before, '-p', 'bench', '-f', path.join(folderOf(engine), 'compose.yaml'), ...args],
    engine,
  );
}

const scenario = (
  name: string,
  text: string,
  more: Pick<StepScenario, 'rounds' | 'measure'> & Partial<StepScenario>,
): StepScenario => ({
  ...{ name: `compose: ${name}`, kind: 'steps', unit: 'ms', warmUp: 1, engines: ['dockerd', 'tug'] },
  async before(engine) {
    fs.mkdirSync(folderOf(engine), { recursive: true });
    fs.writeFileSync(path.join(folderOf(engine), 'compose.yaml'), text);
  },
  async after(engine) {
    fs.rmSync(folderOf(engine), { recursive: true, force: true });
  },
  ...more,
});

/** The rows of compose, each with the engine's own program for it. */
export const composeScenarios: readonly StepScenario[] = [
  scenario('up -d of ten services with health checks and dependencies', tenServices, {
    ...{ target: 0.3, rounds: 5 },
    async measure(engine) {
      const time = await timed(() => compose(engine, 'up', '-d'));
      await compose(engine, 'down', '-t', '0');
      return time;
    },
  }),
  scenario('up -d with nothing to do', tenServices, {
    ...{ limit: 150, rounds: 10 },
    async measure(engine) {
      await compose(engine, 'up', '-d');
      return await timed(() => compose(engine, 'up', '-d'));
    },
    async after(engine) {
      await compose(engine, 'down', '-t', '0');
      fs.rmSync(folderOf(engine), { recursive: true, force: true });
    },
  }),
  scenario(`config of ${longProject.split('\n').length} lines`, longProject, {
    ...{ limit: 100, rounds: 10 },
    measure: (engine) => timed(() => compose(engine, 'config', '-q')),
  }),
];
