import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRunMount } from './run-mount.ts';
import { SyntaxFault } from './source.ts';

describe('parseRunMount', () => {
  it('reads each type, with its defaults', () => {
    const rows: [string, object][] = [
      ['target=/x', { type: 'bind', readonly: true, target: '/x' }],
      ['type=bind,from=a,src=/b,dst=c,rw', { type: 'bind', readonly: false, from: 'a', source: '/b', target: 'c' }],
      ['type=bind,target=/x,readonly=false', { type: 'bind', readonly: false, target: '/x' }],
      ['type=cache,target=/x/', { type: 'cache', readonly: false, target: '/x/', id: '/x/', sharing: 'shared' }],
      [
        'type=cache,id=a,target=/x,sharing=Locked,ro,mode=0700,uid=1,gid=2,from=b,source=c',
        {
          type: 'cache',
          readonly: true,
          from: 'b',
          source: 'c',
          target: '/x',
          id: 'a',
          sharing: 'locked',
          mode: 0o700,
          uid: 1,
          gid: 2,
        },
      ],
      ['size=1m,type=tmpfs,target=/t', { type: 'tmpfs', readonly: false, target: '/t', size: 1_048_576 }],
      ['type=secret,id=a/b', { type: 'secret', readonly: true, id: 'a/b', target: '/run/secrets/b' }],
      ['type=secret,target=/k/t', { type: 'secret', readonly: true, id: 't', target: '/k/t' }],
      ['type=secret,id=a,env=A,required', { type: 'secret', readonly: true, id: 'a', env: 'A', required: true }],
      ['type=ssh', { type: 'ssh', readonly: true, id: 'default' }],
      ['type=ssh,required=true,mode=600', { type: 'ssh', readonly: true, id: 'default', required: true, mode: 0o600 }],
      ['"target=/a,b",type=bind', { type: 'bind', readonly: true, target: '/a,b' }],
    ];
    for (const [text, mount] of rows) assert.deepEqual(parseRunMount(text), { required: false, ...mount }, text);
  });

  it('expands values', () => {
    const { target, id } = parseRunMount('type=$t,target=$x,id=$x-1', (value) =>
      value.replace('$t', 'cache').replace('$x', '/v'),
    );
    assert.deepEqual([target, id], ['/v', '/v-1']);
  });

  it('refuses in the words of Docker', () => {
    const rows: [string, string][] = [
      ['type=bnd', 'unsupported mount type "bnd" (did you mean bind?)'],
      ['type=cache,sharing=all,target=/x', 'unsupported sharing value "all"'],
      ['target', "invalid field 'target' must be a key=value pair"],
      ['taget=/x', "unexpected key 'taget' in 'taget=/x' (did you mean target?)"],
      ['size=1,target=/x', "unexpected key 'size' for mount type 'bind'"],
      ['type=cache,required', "unexpected key 'required' for mount type 'cache'"],
      ['type=tmpfs,size=a', 'invalid value for size: a'],
      ['ro=maybe', 'invalid value for ro: maybe'],
      ['type=cache,mode=9', 'invalid value 9 for mode'],
      ['type=cache,uid=-1', 'invalid value -1 for uid'],
      ['uid=1', 'uid not allowed for "bind" type mounts'],
      ['type=secret', 'invalid secret mount. one of source, target required'],
      ['type=secret,id=a,source=b', "both source and id can't be set"],
      ['type=secret,id=a,from=b', 'secret mount should not have a from'],
      ['type=secret,id=a,sharing=shared', 'secret mount should not define sharing'],
      ['type=bind,sharing=shared', 'invalid cache sharing set for bind mount'],
      ['"a', 'failed to parse csv mounts: parse error: bare or unclosed " in "\\"a"'],
    ];
    for (const [text, message] of rows)
      assert.throws(() => parseRunMount(text), { constructor: SyntaxFault, message }, text);
  });
});
