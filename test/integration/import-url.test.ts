import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { starterArchive } from '../../scripts/starter-image.ts';
import type { ImageInspect } from '../../src/api/types/image.ts';
import { startEngine } from '../helpers/engine.ts';

/** A web server with an archive at `/root.tar.gz`, and pages that lead or fail. */
async function serve(archive: Buffer): Promise<{ url: string } & AsyncDisposable> {
  const server = http.createServer((request, response) => {
    const to = (location: string) => void response.writeHead(302, { location }).end();
    if (request.url === '/root.tar.gz') response.end(archive);
    else if (request.url === '/moved') to('/root.tar.gz');
    else if (request.url === '/circle') to('/circle');
    else if (request.url === '/file') to('file:///etc/passwd');
    else if (request.url === '/broken') {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, 1000), () => response.destroy());
    } else response.writeHead(404).end('nothing here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('import from a URL', () => {
  it('makes an image of what the web has, through redirects, with docker and tug', async () => {
    await using engine = await startEngine();
    await using web = await serve(gzipSync(await starterArchive()));
    const change = ['-c', 'CMD ["echo", "from afar"]'];
    const docker = await engine.docker(['import', ...change, `${web.url}/root.tar.gz`, 'afar:1']);
    assert.equal(docker.code, 0, docker.stderr);
    assert.match(docker.stdout, /^Downloading from http:\/\/127.0.0.1:\d+\/root.tar.gz\n[\s\S]*sha256:[0-9a-f]{64}\n$/);
    const tug = await engine.tug(['import', ...change, '-m', 'mine', `${web.url}/moved`, 'afar:2']);
    assert.equal(tug.code, 0, tug.stderr);
    const inspect = async (name: string) => (await engine.api('GET', `/images/${name}/json`)).json<ImageInspect>();
    const [one, two] = [await inspect('afar:1'), await inspect('afar:2')];
    assert.deepEqual(one.RootFS, two.RootFS);
    assert.deepEqual([one.Comment, two.Comment], [`Imported from ${web.url}/root.tar.gz`, 'mine']);
    assert.equal((await engine.tug(['run', '--rm', 'afar:1'])).stdout, 'from afar\n');
  });

  it('tells what went wrong and leaves nothing', async () => {
    await using engine = await startEngine();
    await using web = await serve(gzipSync(await starterArchive()));
    const fails = async (source: string, message: RegExp) => {
      const failed = await engine.tug(['import', source, 'none:1']);
      assert.deepEqual([failed.code, message.test(failed.stderr)], [1, true], `${source}: ${failed.stderr}`);
    };
    await fails(`${web.url}/missing`, /failed to GET http:.*\/missing with status 404 Not Found/);
    await fails(`${web.url}/circle`, /redirects in a circle/);
    await fails(`${web.url}/file`, /cannot import from file:\/\/: only http and https are supported/);
    await fails(`${web.url}/broken`, /^aborted$/m);
    await fails('http://127.0.0.1:1/x', /failed to GET http:\/\/127.0.0.1:1\/x: connect ECONNREFUSED/);
    await fails('ftp://127.0.0.1/x', /cannot import from ftp:/);
    const images = (await engine.api('GET', '/images/json')).json<unknown[]>();
    assert.deepEqual([images, await fs.readdir(path.join(engine.dataRoot, 'content/ingest'))], [[], []]);
  });
});
