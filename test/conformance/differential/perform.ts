import { run } from '../../../src/base/process.ts';
import { callApi } from '../../helpers/engine-api.ts';
import { starterImage } from '../../helpers/engine-image.ts';
import type { Outcome, Scenario } from './scenario.ts';

/** One of the things that are compared: an engine and the command line that drives it. */
export interface Subject {
  readonly name: string;
  readonly socket: string;
  /** The program that `$CLI` stands for. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The version both engines know; a client that asks for it gets the same shapes from both. */
export const comparedVersion = '1.41';

/** Runs all steps of a scenario, one after the other, on an engine that has the starter image and nothing else. */
export async function perform(scenario: Scenario, subject: Subject): Promise<Outcome[]> {
  await clear(subject.socket);
  await starterImage(subject);
  const outcomes: Outcome[] = [];
  for (const step of scenario.steps) outcomes.push(await performStep(step, subject));
  await clear(subject.socket);
  return outcomes;
}

/** Removes all that scenarios make. */
export async function clear(socket: string): Promise<void> {
  const containers = (await callApi(socket, 'GET', '/containers/json?all=1')).json<{ Id: string }[]>();
  for (const { Id } of containers) await callApi(socket, 'DELETE', `/containers/${Id}?force=1&v=1`);
  const images = (await callApi(socket, 'GET', '/images/json?all=1')).json<{ Id: string }[]>();
  for (const { Id } of images) await callApi(socket, 'DELETE', `/images/${Id}?force=1`);
  await callApi(socket, 'POST', '/v1.41/volumes/prune');
  await callApi(socket, 'POST', '/v1.41/networks/prune');
}

async function performStep(step: string, subject: Subject): Promise<Outcome> {
  const request = /^API (\S+) (\S+)(?: (.*))?$/.exec(step);
  if (!request) {
    const env = { ...subject.env, CLI: subject.program, DOCKER_API_VERSION: comparedVersion };
    const { code, stdout, stderr } = await run('sh', ['-c', step], { env, timeout: 300_000 });
    return { code, out: stdout, err: stderr };
  }
  const [, method = '', target = '', body] = request;
  const sent: unknown = body === undefined ? undefined : JSON.parse(body);
  const answer = await callApi(subject.socket, method, `/v${comparedVersion}${target}`, sent);
  return { code: answer.status, out: pretty(answer.text), err: '' };
}

/** JSON with its keys in order; other text as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), sorted, 1);
  } catch {
    return text;
  }
}

/** A JSON.stringify replacer that gives objects in the order of their keys. */
function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
