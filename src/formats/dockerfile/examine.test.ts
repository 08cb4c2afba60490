import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Examination, examineDockerfile, parseCall } from './examine.ts';

const platform = { os: 'linux', architecture: 'amd64' };

const examine = (call: string, text: string, target?: string): Examination =>
  examineDockerfile(text, parseCall(call), {
    platforms: { build: platform, target: platform },
    fileName: 'app.Dockerfile',
    ...(target === undefined ? {} : { target }),
  });

describe('parseCall', () => {
  it('reads the method and its options', () => {
    assert.deepEqual(parseCall('check'), { method: 'check', format: 'text', ignoreStatus: false });
    assert.deepEqual(parseCall('lint,format=json,ignorestatus=true'), {
      method: 'check',
      format: 'json',
      ignoreStatus: true,
    });
    assert.throws(() => parseCall('chekc'), {
      message: 'invalid call "chekc": it must be one of build, check, outline, targets',
    });
    assert.throws(() => parseCall('check,format=xml'), { message: 'invalid call option "format=xml"' });
  });
});

describe('examineDockerfile', () => {
  it('checks, and fails where something is found', () => {
    assert.deepEqual(examine('check', 'FROM a'), { text: 'Check complete, no warnings found.\n', exitCode: 0 });
    const { text, exitCode } = examine('check', 'FROM a\nCMD b');
    assert.match(text, /^Check complete, 1 warning has been found!\n\nWARNING: JSONArgs.*\n.*\napp.Dockerfile:2\n/);
    assert.equal(exitCode, 1);
    assert.equal(examine('check,ignorestatus=true', 'FROM a\nCMD b').exitCode, 0);
    assert.equal(
      JSON.parse(examine('check,format=json', 'FROM a\nCMD b').text).warnings[0].ruleName,
      'JSONArgsRecommended',
    );
  });

  it('says why a file cannot be built', () => {
    const { text, error, exitCode } = examine('check', 'FROM a\nCOPY --from=0 a b');
    assert.deepEqual([text, exitCode], ['', 1]);
    assert.match(error ?? '', /circular dependency detected on stage: stage-0\napp.Dockerfile:2:13/);
    assert.throws(() => examine('check', 'FROMM a'), /unknown instruction: FROMM \(did you mean FROM\?\)/);
  });

  it('lists targets and outlines', () => {
    assert.equal(examine('targets', 'FROM a AS b').text, 'TARGET      DESCRIPTION\nb (default) \n');
    assert.equal(JSON.parse(examine('targets,format=json', 'FROM a AS b').text).targets[0].name, 'b');
    assert.equal(
      examine('outline', 'FROM a AS b\nARG C=1', 'b').text,
      'TARGET: b\n\nBUILD ARG   VALUE   DESCRIPTION\nC           1       \n\n',
    );
    assert.equal(JSON.parse(examine('outline,format=json', 'FROM a\nARG C=1').text).args[0].value, '1');
    assert.throws(() => examine('outline', 'FROM a\nRUN --mount=type=scret,id=x y'), {
      kind: 'invalid',
      message: /^unsupported mount type "scret" \(did you mean secret\?\)\napp.Dockerfile:2:18/,
    });
    assert.throws(() => examine('outline', 'FROM a', 'b'), /target stage "b" could not be found/);
  });
});
