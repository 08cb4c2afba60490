import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseOutput } from './outputs.ts';

const of = (type: string, destination: string | undefined, ...names: string[]) => ({ type, destination, names });

it('--output is read as comma-separated values', () => {
  for (const [text, expected] of [
    ['out', of('local', 'out')],
    ['-', of('tar', '-')],
    ['type=oci,dest=x.tar', of('oci', 'x.tar')],
    ['type=tar,"dest=a,b.tar"', of('tar', 'a,b.tar')],
    ['type=docker', of('docker', undefined)],
    ['type=image,name=a:1', of('image', undefined, 'a:1')],
    ['type=image,"name=a:1,b:2",push=false', of('image', undefined, 'a:1', 'b:2')],
    ['type=image,name=a:1,push=true', of('registry', undefined, 'a:1')],
    ['type=registry,name=a:1', of('registry', undefined, 'a:1')],
    ['type=registry,push=0', of('image', undefined)],
  ] as const)
    assert.deepEqual(parseOutput(text), expected, text);
});

it('--output that means nothing is refused with a sentence', () => {
  for (const [text, error] of [
    ['type=image,name=a,b', /invalid value b/],
    ['type=image,name=', /a name is empty/],
    ['type=image,push=maybe', /push is true or false, not maybe/],
    ['type=docker,dest=x,push=true', /push is for the type image/],
    ['type=image,dest=x', /goes to no file/],
    ['type=tar', /dest is required/],
    ['type=cacheonly', /unknown type "cacheonly"/],
    ['type=image,compression=zstd', /the option compression is not known/],
    ['type=image,"name=a', /bare or unclosed "/],
  ] as const)
    assert.throws(() => parseOutput(text), error, text);
});
