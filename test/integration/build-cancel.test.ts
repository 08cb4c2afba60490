import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import type { Running } from '../../src/cli/test-programs.ts';
import { sha256 } from '../../src/formats/digest.ts';
import { disagreements } from '../crash/invariants.ts';
import { build, contextFolder, useEngine } from '../helpers/build.ts';
import { begin, commandLines } from '../helpers/command-lines.ts';
import { listProcesses } from '../helpers/leaks-processes.ts';
import { until } from '../helpers/until.ts';

/** Milliseconds after which something hangs: an idle machine takes well under one second. */
const mostTime = 60_000;

/** What lies in a folder and below, as far as anything does. */
const inside = (...parts: string[]): string[] =>
  fs.existsSync(path.join(...parts)) ? fs.readdirSync(path.join(...parts)) : [];

/** A registry that has an image, of whose layer it sends a byte and nothing more. */
async function startStuckRegistry(): Promise<
  AsyncDisposable & { host: string; asked: Promise<unknown>; left: Promise<void> }
> {
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [sha256('x')] },
  });
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: sha256('x'), size: 1000 };
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const of = (mediaType: string, text: string) => ({ mediaType, digest: sha256(text), size: Buffer.byteLength(text) });
  const about = of('application/vnd.oci.image.config.v1+json', config);
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: type, config: about, layers: [layer] });
  const server = http.createServer(({ url = '' }, answer) => {
    if (url.endsWith('/v2/')) answer.end();
    else if (url.includes('/manifests/'))
      answer.writeHead(200, { 'content-type': type, 'docker-content-digest': sha256(manifest) }).end(manifest);
    else if (url.endsWith(about.digest)) answer.end(config);
    else {
      answer.writeHead(200, { 'content-length': layer.size });
      answer.write('x');
      answer.on('close', left.resolve);
      asked.resolve();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ asked: asked.promise, left: left.promise },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a build whose client is interrupted', () => {
  const { engine, base } = useEngine();

  const context = (name: string, Dockerfile: string): string => contextFolder(engine, name, Dockerfile);
  const left = (): string[] => [
    ...inside(engine.execRoot, 'containers'),
    ...inside(engine.execRoot, 'netns'),
    ...inside(engine.execRoot, 'builder'),
    ...inside(engine.dataRoot, 'builder/work'),
    ...inside(engine.dataRoot, 'overlay2/containers'),
    ...inside(engine.dataRoot, 'overlay2/stages'),
  ];
  const nothingLeft = async (): Promise<void> => {
    await until(
      () => left().length === 0,
      () => `nothing to be left; there is ${left().join(' ')}`,
      mostTime,
    );
  };
  /** Of descriptors, control groups and links: what a build holds of the host besides folders. */
  const held = () => ({
    files: fs.readdirSync(`/proc/${engine.pid}/fd`).filter((fd) => {
      try {
        return /deleted|pipe:|\/builder\//.test(fs.readlinkSync(`/proc/${engine.pid}/fd/${fd}`));
      } catch {
        return false; // closed meanwhile
      }
    }).length,
    ports: fs.readdirSync(`/sys/class/net/${engine.bridge}/brif`).length,
  });
  const sleepers = (seconds: string): number =>
    listProcesses().filter(({ command }) => command === `sleep ${seconds}`).length;

  for (const [index, client] of commandLines.entries()) {
    const start = (...args: string[]): Running => begin(engine, client, ['build', ...args]);
    const interrupt = async (running: Running): Promise<void> => {
      running.child.kill('SIGINT');
      const { code } = await running.ended;
      assert.notEqual(code, 0);
    };

    it(`(${client}) ends its commands; the steps before are in the cache`, async () => {
      const seconds = `${86_400 + index}.${process.pid}`;
      const Dockerfile = `FROM ${base}\nRUN echo ${seconds} > /first\nRUN sleep ${seconds} & echo begun; exec sleep ${seconds}`;
      const before = held();
      using running = start(context(`run-${client}`, Dockerfile));
      await running.said('begun\n');
      await until(() => sleepers(seconds) === 2, 'its commands to run');
      await interrupt(running);
      await nothingLeft();
      assert.equal(sleepers(seconds), 0);
      await until(() => held().files <= before.files && held().ports <= before.ports, 'what it held to be given back');
      assert.deepEqual(await disagreements(engine), []);
      const again = await build(engine, { Dockerfile: Dockerfile.replace(/RUN sleep.*/, 'RUN true') });
      assert.match(again.said, /Step 2\/3 .*\n ---> Using cache/);
    });

    it(`(${client}) kills its commands without asking them first, and starts no other`, async () => {
      const together = Math.max(2, os.availableParallelism()); // so many commands run at once
      const stages = Array.from({ length: together + 2 }, (_, index) => `s${index}`);
      const mark = (name: string) => `touch /meet/${client}-${name}`;
      const cache = 'RUN --mount=type=cache,id=meet,target=/meet';
      const lines = stages.flatMap((stage) => [
        `FROM ${base} AS ${stage}`,
        `${cache} trap '${mark('asked')}' TERM INT HUP QUIT; ${mark(stage)}; while true; do sleep 1000 & wait; done`,
        `${cache} ${mark('later')}`,
      ]);
      const copies = stages.map((stage) => `COPY --from=${stage} /etc/passwd /${stage}`);
      const marks = (): string[] =>
        fs.globSync(path.join(engine.dataRoot, `builder/mounts/**/${client}-*`)).map((file) => path.basename(file));
      using running = start(context(`kill-${client}`, [...lines, `FROM ${base}`, ...copies].join('\n')));
      await until(() => marks().length === together, 'as many commands to run as may');
      const before = marks();
      await interrupt(running);
      await nothingLeft();
      assert.deepEqual(marks().sort(), before.sort());
    });

    it(`(${client}) ends what is being sent and copied`, async () => {
      const folder = context(`copy-${client}`, `FROM ${base}\nCOPY big* /\nRUN sleep 1000`);
      for (const number of [1, 2, 3]) {
        fs.writeFileSync(path.join(folder, `big${number}`), `${client} ${number}`);
        fs.truncateSync(path.join(folder, `big${number}`), 20_000_000);
      }
      using running = start(folder);
      await running.said(client === 'tug' ? 'COPY big*' : 'Step 2/3');
      await interrupt(running);
      await nothingLeft();
      const spools = fs.globSync(path.join(engine.dataRoot, '**/spool-*'));
      assert.deepEqual(spools, []);
    });

    it(`(${client}) ends a pull`, async () => {
      await using registry = await startStuckRegistry();
      using running = start(context(`pull-${client}`, `FROM ${registry.host}/stuck:${client}\nRUN true`));
      await registry.asked;
      await interrupt(running);
      await registry.left; // the engine hung up
      await nothingLeft();
    });
  }
});
