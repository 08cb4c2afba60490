import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attestOf, parseAttest } from './attest-options.ts';

const plain = { mode: 'min', version: 'v0.2', builderId: '', reproducible: false };

describe('what is to be stated of an image', () => {
  it('is read as buildx writes it, the last of a type counts', () => {
    assert.equal(parseAttest([]), undefined);
    assert.deepEqual(parseAttest(['type=provenance']), plain);
    assert.deepEqual(
      parseAttest([attestOf('provenance', 'mode=max,version=v1,builder-id=https://x,reproducible=true')]),
      {
        mode: 'max',
        version: 'v1',
        builderId: 'https://x',
        reproducible: true,
      },
    );
    assert.deepEqual(parseAttest([attestOf('provenance', 'true'), attestOf('sbom', 'false')]), plain);
    assert.equal(parseAttest(['type=provenance', 'type=provenance,disabled=true']), undefined);
    assert.equal(parseAttest([attestOf('provenance', 'false')]), undefined);
  });

  it('is refused where it is not known, and so are lists of packages', () => {
    for (const [text, why] of [
      ['mode=max', /type not specified/],
      ['type=other', /unknown attestation type/],
      ['type=provenance,mode=all', /invalid mode/],
      ['type=provenance,version=v2', /invalid version/],
      ['type=provenance,colour=red', /option colour is not known/],
      ['type=provenance,disabled=maybe', /true or false/],
      [attestOf('provenance', 'max'), /invalid value max/],
      ['type=sbom', /looks for no packages/],
    ] as const)
      assert.throws(() => parseAttest([text]), why);
  });
});
