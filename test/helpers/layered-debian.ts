import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { runChecked } from '../../src/base/process.ts';

/** A layer on top of Debian: what it removes, the files it has, and its whiteouts, each as a shell script. */
interface LayerScript {
  readonly removes: string;
  readonly adds: string;
  readonly marks: string;
}

const layers: readonly LayerScript[] = [
  {
    removes: 'rm -rf usr/share/doc/bash; rm usr/bin/cmp',
    marks: 'mkdir -p usr/share/doc usr/bin; : >usr/share/doc/.wh.bash; : >usr/bin/.wh.cmp',
    adds: `
      mkdir -p opt/tug/links usr/share/doc
      cp -p "$debian/usr/bin/id" opt/tug/id; chmod 4755 opt/tug/id
      cp -p "$debian/usr/bin/cat" opt/tug/cat; setcap cap_net_raw+ep opt/tug/cat
      head -c 300000 /dev/urandom >opt/tug/big; ln opt/tug/big opt/tug/links/one; ln opt/tug/big opt/tug/links/two; printf gone >opt/tug/links/gone
      ln -s ../big opt/tug/links/soft; setfattr -n user.note -v 'a note' opt/tug/big 2>/dev/null || true
      mkdir -m 1777 opt/tug/shared; mkdir -m 2750 opt/tug/group; chgrp 50 opt/tug/group`,
  },
  {
    removes: 'rm -r etc/skel/.* etc/skel/* usr/share/doc/dash 2>/dev/null || true; rm opt/tug/links/gone',
    marks:
      'mkdir -p etc/skel opt/tug/links usr/share/doc; : >etc/skel/.wh..wh..opq; : >opt/tug/links/.wh.gone; : >usr/share/doc/.wh.dash',
    adds: `
      mkdir -p etc/skel usr/share/doc/dash2; printf only >etc/skel/only
      mkdir -p opt/tug/many; for n in $(seq 200); do printf "$n" >opt/tug/many/$n; done
      truncate -s 2M opt/tug/sparse; printf end >>opt/tug/sparse`,
  },
];

const shell = (folder: string, debian: string, script: string): Promise<string> =>
  runChecked('bash', ['-euc', `umask 022; debian="$1"; cd "$0"; ${script}`, folder, debian]);

/**
 * Packs Debian and the layers above it into an OCI layout with umoci, under the tag `v1`, and makes the tree that
 * a container of it is to see.
 */
export async function packLayers(debian: string, scratch: string): Promise<{ layout: string; expected: string }> {
  const layout = path.join(scratch, 'layout');
  const expected = path.join(scratch, 'expected');
  await fs.mkdir(expected);
  await runChecked('umoci', ['init', '--layout', layout]);
  await runChecked('umoci', ['new', '--image', `${layout}:v1`]);
  await addLayer(layout, scratch, debian);
  await runChecked('cp', ['-a', `${debian}/.`, expected]);
  for (const [at, layer] of layers.entries()) {
    const folder = path.join(scratch, `layer-${at}`);
    await fs.mkdir(folder);
    await shell(folder, debian, layer.adds);
    await shell(expected, debian, layer.removes);
    // a folder that a layer names has the layer's metadata; one that both have keeps what the layer below says
    await shell(
      folder,
      debian,
      `${layer.marks}; find . -type d | while read -r d; do if [ -d "${expected}/$d" ]; then chmod --reference="${expected}/$d" "$d"; chown --reference="${expected}/$d" "$d"; fi; done`,
    );
    await shell(folder, debian, `find . -exec touch -h -d @$((1600000000 + ${at})) {} +`);
    await runChecked('cp', ['-a', '--sparse=always', `${folder}/.`, expected]);
    await shell(expected, debian, "find etc/skel opt usr/share/doc usr/bin -name '.wh.*' -delete");
    await shell(folder, debian, `find . -type d -exec touch -r {} '${expected}/{}' ';'`);
    await addLayer(layout, scratch, folder);
  }
  await runChecked('umoci', [
    'config',
    '--image',
    `${layout}:v1`,
    '--config.cmd',
    'bash',
    '--config.env',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ]);
  return { layout, expected };
}

async function addLayer(layout: string, scratch: string, folder: string): Promise<void> {
  const tar = path.join(scratch, 'layer.tar');
  await runChecked('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-C', folder, '-cf', tar, '.']);
  await runChecked('umoci', ['raw', 'add-layer', '--image', `${layout}:v1`, tar]);
  await fs.rm(tar);
}

/** Copies the layout into a registry. */
export async function pushLayout(layout: string, reference: string): Promise<void> {
  const flags = ['--insecure-policy', 'copy', '--preserve-digests', '--dest-tls-verify=false'];
  await runChecked('skopeo', [...flags, `oci:${layout}:v1`, `docker://${reference}`]);
}
