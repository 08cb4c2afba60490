import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Project, ServiceModel } from '../formats/compose-file/model.ts';
import { serviceHash } from './config-hash.ts';
import { instanceMade } from './converge.ts';
import { labelNames } from './labels.ts';
import type { Instance } from './observe.ts';
import { makingName, type PlanOptions, planService, type ServicePlan } from './plan.ts';

/** True when nothing is to be done but, perhaps, starting what does not run. */
const isSettled = (plan: ServicePlan): boolean =>
  plan.recreate.length + plan.remove.length + plan.create.length + plan.rename.length === 0;

const image = 'sha256:1';
const web: ServiceModel = { image: 'x', command: null, networks: { default: null } };
const project = (service: ServiceModel = web): Project => ({
  name: 'shop',
  services: { web: service },
  networks: {},
  volumes: {},
  configs: {},
  secrets: {},
  others: {},
});
const options: PlanOptions = {
  ...{ forceRecreate: false, noRecreate: false, scale: new Map() },
  ...{ changedNetworks: new Set(), others: [], renewed: new Set() },
};

const instance = (number: number, changes: Partial<Instance> = {}): Instance => ({
  ...instanceMade(
    `${number}`.repeat(64),
    `shop-web-${number}`,
    'shop',
    'web',
    number,
    { [labelNames.hash]: serviceHash(web, []), [labelNames.image]: image },
    image,
  ),
  ...changes,
});

describe('the plan for a service', () => {
  it('leaves what is as it should be', () => {
    assert.ok(isSettled(planService(project(), 'web', [instance(1)], image, options)));
  });

  it('makes what is missing, with the lowest free numbers', () => {
    const scale = new Map([['web', 3]]);
    assert.deepEqual(planService(project(), 'web', [instance(2)], image, { ...options, scale }).create, [1, 3]);
  });

  it('removes what is too many, the highest numbers and what changed first', () => {
    const three = [instance(1, { hash: 'old' }), instance(2), instance(3)];
    const plan = planService(project(), 'web', three, image, options);
    assert.deepEqual(
      plan.remove.map((change) => [change.instance.number, change.reason]),
      [
        [3, 'too many'],
        [1, 'too many'],
      ],
    );
    assert.deepEqual(
      plan.keep.map(({ number }) => number),
      [2],
    );
  });

  it('makes anew what changed, and says why', () => {
    const reasonOf = (found: Instance, more: Partial<PlanOptions> = {}, id = image) =>
      planService(project(), 'web', [found], id, { ...options, ...more }).recreate[0]?.reason;
    assert.equal(reasonOf(instance(1, { hash: 'old' })), 'configuration');
    assert.equal(reasonOf(instance(1), {}, 'sha256:2'), 'image');
    assert.equal(reasonOf(instance(1), { forceRecreate: true }), 'forced');
    assert.equal(reasonOf(instance(1), { changedNetworks: new Set(['default']) }), 'network');
    assert.equal(reasonOf(instance(1, { hash: 'old' }), { noRecreate: true }), undefined);
  });

  it('finishes what was interrupted: the newer one of two stays, and gets its name', () => {
    const old = instance(1, { hash: 'old', created: 1 });
    const made = instance(1, { id: 'b'.repeat(64), name: makingName(old.id, 'shop-web-1'), created: 2 });
    const plan = planService(project(), 'web', [old, made], image, options);
    assert.deepEqual(
      plan.remove.map((change) => [change.instance.id, change.reason]),
      [[old.id, 'left over']],
    );
    assert.deepEqual(
      plan.rename.map(({ name }) => name),
      ['shop-web-1'],
    );
  });

  it('counts no change of what a container does not depend on', () => {
    const other: ServiceModel = { ...web, depends_on: {}, profiles: ['x'], scale: 1, pull_policy: 'always' };
    assert.ok(isSettled(planService(project(other), 'web', [instance(1)], image, options)));
  });
});
