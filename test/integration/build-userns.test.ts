import assert from 'node:assert/strict';
import { it } from 'node:test';
import { build } from '../helpers/build.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';

it('in a user namespace a command writes on what it binds, keeps caches, and has the host where that is allowed', async () => {
  await using engine = await startEngine({ args: ['--userns-remap', '100000-165535'], mode: 0o711 });
  const base = await starterImage(engine);
  const lines = [
    ...[`FROM ${base} AS made`, `FROM ${base}`],
    'RUN --mount=type=bind,from=made,target=/m,rw echo x > /m/new && stat -c "stage %u" /m/new',
    'RUN --mount=type=bind,target=/m,rw echo x > /m/new && stat -c "context %u" /m/new /m/Dockerfile',
    'RUN --mount=type=bind,source=Dockerfile,target=/m/file,rw echo x >> /m/file && stat -c "file %u" /m/file',
    'RUN --mount=type=cache,from=made,source=/etc,target=/c touch /c/x && stat -c "cache %u" /c /c/x /c/passwd',
    'RUN --security=insecure touch /made && cat /proc/self/uid_map',
    ...['RUN stat -c "made %u" /made', 'USER 1000', 'RUN true && id -u && exit 4'],
  ];
  const query = { networkmode: 'none', allow: 'security.insecure' };
  const { said, error } = await build(engine, { Dockerfile: lines.join('\n') }, query);
  const seen = said.split('\n').filter((line) => /^(stage|context|file|cache|made) \d+$/.test(line));
  const owned = ['stage', 'context', 'context', 'file', 'cache', 'cache', 'cache', 'made'].map((name) => `${name} 0`);
  assert.deepEqual(seen, owned, `${said}${error}`);
  assert.match(said, /^ +0 +0 +4294967295$/m);
  assert.match(error ?? '', /\ncommand 3 of 3: `exit 4`: exit code 4 \(Dockerfile:10\)$/);
});
