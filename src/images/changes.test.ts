import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageRunConfig } from '../api/oci/image.ts';
import { applyChanges } from './changes.ts';

/** A variable as Dockerfiles write it. */
const braced = (text: string): string => `$\{${text}}`;

describe('--change', () => {
  const cases: [string[], ImageRunConfig][] = [
    [['CMD ["a", "b c"]'], { Cmd: ['a', 'b c'] }],
    [['cmd echo $HOME'], { Cmd: ['/bin/sh', '-c', 'echo $HOME'] }],
    [['ENTRYPOINT ["/x"]'], { Entrypoint: ['/x'] }],
    [['ENV A=1 B="two words" C=a\\ b', 'ENV A=2'], { Env: ['A=2', 'B=two words', 'C=a b'] }],
    [['ENV KEY some value'], { Env: ['KEY=some value'] }],
    [
      ['ENV A=1', `ENV B=$A-${braced('A')}-${braced('X:-y')}-${braced('A:+z')} C='$A' D=\\$A`],
      { Env: ['A=1', 'B=1-1-y-z', 'C=$A', 'D=$A'] },
    ],
    [['EXPOSE 80 53/udp 9000-9001'], { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '9000/tcp': {}, '9001/tcp': {} } }],
    [['LABEL a=b "c d"="e f"'], { Labels: { a: 'b', 'c d': 'e f' } }],
    [['VOLUME /a /b', 'VOLUME ["/c d"]'], { Volumes: { '/a': {}, '/b': {}, '/c d': {} } }],
    [['USER 1000:100'], { User: '1000:100' }],
    [['WORKDIR /a', 'WORKDIR b/../c'], { WorkingDir: '/a/c' }],
    [['STOPSIGNAL SIGINT'], { StopSignal: 'SIGINT' }],
    [['ONBUILD RUN x', 'ONBUILD USER y'], { OnBuild: ['RUN x', 'USER y'] }],
    [['HEALTHCHECK NONE'], { Healthcheck: { Test: ['NONE'] } }],
    [
      ['HEALTHCHECK --interval=5s --retries=3 CMD curl -f x'],
      { Healthcheck: { Test: ['CMD-SHELL', 'curl -f x'], Interval: 5_000_000_000, Retries: 3 } },
    ],
    [['HEALTHCHECK CMD ["a"]\n# comment\nUSER x'], { Healthcheck: { Test: ['CMD', 'a'] }, User: 'x' }],
  ];
  for (const [changes, expected] of cases) {
    it(changes.join('; '), () => assert.deepEqual(applyChanges({}, changes), expected));
  }

  const refused: [string, RegExp][] = [
    ['RUN x', /run is not a valid change command$/],
    ['FROM x', /from is not a valid change command$/],
    ['CMD', /requires at least one argument/],
    ['ENV A', /must have two arguments/],
    ['ENV A=1 B', /can't find = in "B"/],
    ['ENV =x', /names can not be blank/],
    ['EXPOSE x', /invalid containerPort: x/],
    ['EXPOSE 70000', /invalid containerPort/],
    ['USER a b', /exactly one argument/],
    ['ONBUILD FROM x', /isn't allowed as an ONBUILD trigger/],
    ['HEALTHCHECK --odd=1 CMD x', /unknown or malformed flag/],
    ['HEALTHCHECK RUN x', /Unknown type "RUN"/],
  ];
  for (const [change, message] of refused) {
    it(`refuses ${change}`, () => assert.throws(() => applyChanges({}, [change]), message));
  }
});
