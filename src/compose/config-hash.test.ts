import assert from 'node:assert/strict';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { networkHash, serviceHash, serviceJson, volumeHash } from './config-hash.ts';
import { openProject } from './open-project.ts';

const file = path.resolve(import.meta.dirname, '../../test/fixtures/compose/hashed/compose.yaml');
const choice = { files: [file], folder: undefined, name: undefined, envFiles: [], profiles: [], cwd: '/', env: {} };

describe("the hash of a container's service", () => {
  const { project } = openProject(choice, { warn: () => {} });

  it("is Docker Compose's own, field for field", () => {
    // what `docker compose config --hash '*'` of 2.39.4 prints for this file
    const printed = {
      api: '07ef8a38b73de003d7eb574cb1f325c8686b6857526cdcb178cd35209e0ec020',
      db: '0478f4fbc954be75d377be2f456c08058eead4ace63e0fc136164a4a7e6300d9',
      plain: '8d11e307963357b25db6fc006ce5637c9aae50305de3a278eed549f1f757f136',
      web: '51fefbceac250233eb5715b4d4cbada1fc3af1b4c2c155d1098f2130da033091',
    };
    const own = Object.entries(project.services).map(([name, model]) => [name, serviceHash(model, [])]);
    assert.deepEqual(Object.fromEntries(own), printed);
  });

  it('names the containers that a service shares with', () => {
    const made = { service: 'db', oneOff: false, number: 1, id: 'f00' } as never;
    const side = { network_mode: 'service:db', volumes_from: ['db:ro', 'container:other'], command: null };
    assert.notEqual(serviceHash(side, [made]), serviceHash(side, []));
    const named = { network_mode: 'container:f00', volumes_from: ['f00', 'other'], command: null };
    assert.equal(serviceHash(side, [made]), serviceHash(named, []));
  });

  it('does not change with what leaves containers as they are', () => {
    const {
      build: _,
      pull_policy: __,
      depends_on: ___,
      profiles: ____,
      scale: _____,
      ...rest
    } = project.services['db']!;
    assert.equal(serviceJson(rest), serviceJson(project.services['db']!));
  });

  it('of networks and volumes is theirs too', () => {
    assert.equal(
      networkHash(project.networks['back']!),
      '888381fb44ad03a7af6b0d5e008462f90e53f3cfb500a01e0f862dfa80a88c1d',
    );
    assert.equal(
      volumeHash(project.volumes['data']!),
      '4dbc6ef92bb3d15e7ab1a2142559ad9f3879d4e221932a1a5849b48bcc2ceea9',
    );
  });
});
