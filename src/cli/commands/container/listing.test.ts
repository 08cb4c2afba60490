import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerSummary, PortSummary } from '../../../api/types/container.ts';
import { printListing } from '../../output/listing.ts';
import { imageRows } from '../image/listing.ts';
import { containerListing } from './listing.ts';
import { describePorts } from './ports-text.ts';

const id = 'a1b2c3d4e5f6'.repeat(6).slice(0, 64);
const container: ContainerSummary = {
  Id: id,
  Names: ['/web', '/other/alias'],
  Image: 'busybox:1.36',
  ImageID: `sha256:${id}`,
  Command: '/bin/sh -c "while true; do echo hi; done"',
  Created: Math.floor(Date.now() / 1000) - 300,
  Ports: [],
  SizeRw: 12345,
  SizeRootFs: 4567890,
  Labels: { b: '2', a: '1' },
  State: 'running',
  Health: { Status: 'none', FailingStreak: 0 },
  Status: 'Up 5 minutes',
  HostConfig: { NetworkMode: 'default' },
  NetworkSettings: { Networks: {} },
  Mounts: [],
};

async function printed(format: string, options = { truncate: true, size: false, quiet: false }): Promise<string> {
  let text = '';
  const out = {
    ...{ fd: -1, isTerminal: false, columns: undefined },
    write: async (data: string | Uint8Array) => {
      text += data.toString();
    },
  };
  await printListing(out, format, containerListing(options), [container]);
  return text;
}

describe('the list of containers', () => {
  it("has Docker's columns", async () => {
    assert.equal(
      await printed(''),
      'CONTAINER ID   IMAGE          COMMAND                   CREATED         STATUS         PORTS     NAMES\n' +
        'a1b2c3d4e5f6   busybox:1.36   "/bin/sh -c \\"while t…"   5 minutes ago   Up 5 minutes             web\n',
    );
  });

  it('shows everything, and sizes, when asked', async () => {
    const text = await printed('', { truncate: false, size: true, quiet: false });
    assert.match(text, /NAMES {13}SIZE\n/);
    assert.ok(text.includes(id) && text.includes('web,other/alias') && text.includes('12.3kB (virtual 4.57MB)'));
  });

  it('takes templates, tables of templates, and JSON', async () => {
    assert.equal(await printed('{{.ID}}\\t{{.Names}} {{.Label "a"}}'), 'a1b2c3d4e5f6\tweb 1\n');
    assert.equal(
      await printed('table {{.ID}}\\t{{.Label "x.b-c"}}\\t{{upper .Names}}'),
      'CONTAINER ID   b c       NAMES\na1b2c3d4e5f6             WEB\n',
    );
    const parsed = JSON.parse(await printed('json')) as Record<string, string>;
    assert.deepEqual([parsed['ID'], parsed['Labels'], parsed['State']], ['a1b2c3d4e5f6', 'a=1,b=2', 'running']);
    await assert.rejects(printed('{{.Nope}}'), /can't evaluate field Nope/);
    await assert.rejects(printed('{{.ID'), /unclosed action/);
  });
});

describe('ports', () => {
  const tcp = (PrivatePort: number, PublicPort?: number, IP = '0.0.0.0'): PortSummary => ({
    ...(PublicPort === undefined ? {} : { PublicPort, IP }),
    PrivatePort,
    Type: 'tcp',
  });

  it('are drawn together where they are neighbours', () => {
    assert.equal(describePorts([tcp(9002), tcp(9000), tcp(9001), tcp(443)]), '443/tcp, 9000-9002/tcp');
    assert.equal(describePorts([tcp(54, 54), tcp(53, 53)]), '0.0.0.0:53-54->53-54/tcp');
  });

  it('are shown one by one where they are published under other numbers', () => {
    const ports = [tcp(80, 8080), tcp(80, 8080, '::')];
    assert.equal(describePorts(ports), '0.0.0.0:8080->80/tcp, [::]:8080->80/tcp');
  });
});

describe('the rows of an image', () => {
  const image = {
    ...{ Id: id, ParentId: '', Created: 0, Size: 1, SharedSize: -1, Labels: null, Containers: -1 },
    RepoTags: ['box:5000/a:1', 'b:2'],
    RepoDigests: ['box:5000/a@sha256:1', 'c@sha256:2'],
  };
  const names = (digests: boolean, changes: Partial<typeof image> = {}) =>
    imageRows({ ...image, ...changes }, digests).map((row) => `${row.repository}|${row.tag}|${row.digest}`);

  it('are its tags, with the digests of their repositories when asked', () => {
    assert.deepEqual(names(false), ['box:5000/a|1|<none>', 'b|2|<none>']);
    assert.deepEqual(names(true), ['box:5000/a|1|sha256:1', 'b|2|<none>', 'c|<none>|sha256:2']);
  });

  it('are one without a name when it has none', () => {
    assert.deepEqual(names(false, { RepoTags: [], RepoDigests: [] }), ['<none>|<none>|<none>']);
    assert.deepEqual(names(false, { RepoTags: [] }), ['box:5000/a|<none>|sha256:1']);
  });
});
