import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { findProgram } from '../../../src/daemon/programs.ts';
import { environmentOf, programOf } from '../../helpers/command-lines.ts';
import { startEngine, type TestEngine } from '../../helpers/engine.ts';
import { openAll } from '../../helpers/open-all.ts';
import { performByDockerode } from './by-dockerode.ts';
import { describeDifferences } from './compare.ts';
import type { Difference } from './difference.ts';
import { differences } from './differences.ts';
import { type Dockerd, startDockerd } from './dockerd.ts';
import { perform, type Subject } from './perform.ts';
import { type Outcome, readScenarios, type Scenario } from './scenario.ts';
import { sdkLife, sdkStreams } from './sdk-containers.ts';
import { sdkThings } from './sdk-things.ts';

// The same commands and requests on dockerd and on tug: Docker's client on both, and tug's own on tug; and the same
// calls of dockerode on both.

const missing = ['dockerd', 'docker'].filter((program) => findProgram(program) === undefined);
const skip = missing.length > 0 && `${missing.join(' and ')} not installed: nothing to compare with`;
let dockerd: Dockerd;
let engine: TestEngine;

describe('tug beside dockerd', { skip, concurrency: 1 }, () => {
  before(async () => {
    [dockerd, engine] = await openAll(startDockerd(), startEngine());
  });
  after(async () => {
    await Promise.allSettled([dockerd?.[Symbol.asyncDispose](), engine?.[Symbol.asyncDispose]()]);
  });
  for (const scenario of readScenarios()) {
    it(`gives the same results for ${scenario.name}`, { timeout: 1_800_000 }, async () => {
      const onTug = environmentOf(engine);
      const reference = {
        name: 'dockerd',
        socket: dockerd.socket,
        program: 'docker',
        env: { ...onTug, DOCKER_HOST: `unix://${dockerd.socket}` },
      };
      // docker's client and tug's share an engine, so one runs after the other
      const [expected, actual] = await Promise.all([
        perform(scenario, reference),
        perform(scenario, tugSubject('docker')),
      ]);
      compare(scenario, expected, { 'docker on tug': actual, tug: await perform(scenario, tugSubject('tug')) });
    });
  }
  for (const scenario of [sdkLife, sdkStreams, sdkThings]) {
    it(`gives the same results for ${scenario.name}`, { timeout: 1_800_000 }, async () => {
      const [expected, actual] = await Promise.all(
        [dockerd, engine].map(({ socket }) => performByDockerode(scenario, socket)),
      );
      const named = { name: scenario.name, steps: Object.keys(scenario.steps) };
      compare(named, expected ?? [], { 'dockerode on tug': actual ?? [] });
    });
  }
});

const tugSubject = (name: 'docker' | 'tug'): Subject => ({
  name: name === 'docker' ? 'docker on tug' : 'tug',
  socket: engine.socket,
  program: programOf(name),
  env: environmentOf(engine),
});

/** @throws an assertion error that shows every step that differs and is not listed, and every listed one that does not. */
function compare(
  scenario: Scenario,
  expected: readonly Outcome[],
  actual: Readonly<Partial<Record<Difference['subjects'][number], readonly Outcome[]>>>,
): void {
  const listed = differences.filter(({ scenario: name }) => name === scenario.name);
  const occurred = new Set<string>();
  const surprises: string[] = [];
  for (const [at, step] of scenario.steps.entries()) {
    for (const [subject, outcomes] of Object.entries(actual)) {
      for (const difference of describeDifferences(expected[at], outcomes[at])) {
        const known = listed.findIndex(
          (each) =>
            each.subjects.some((name) => name === subject) && each.step.test(step) && each.instead.test(difference),
        );
        if (known !== -1) occurred.add(`${known} ${subject}`);
        else surprises.push(`${subject}: ${step}\n${difference}`);
      }
    }
  }
  for (const [at, { step, subjects }] of listed.entries()) {
    for (const subject of subjects) {
      if (!occurred.has(`${at} ${subject}`))
        surprises.push(`${subject}: ${step} is listed as different and is not: take it out (${listed[at]?.instead})`);
    }
  }
  assert.equal(surprises.length, 0, `\n${surprises.join('\n\n')}\n`);
}
