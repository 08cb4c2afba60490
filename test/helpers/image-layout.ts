import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Descriptor, type ImageConfigBlob, mediaTypes, type Platform } from '../../src/api/oci/image.ts';
import { runChecked } from '../../src/base/process.ts';

/** An image as bytes: what a registry serves for it. */
export interface ImageBytes {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly string[];
  /** Manifest, config and layers by digest. */
  readonly blobs: ReadonlyMap<string, Buffer>;
}

export interface ImageChanges {
  readonly platform?: Platform;
  readonly env?: readonly string[];
  /** Change the manifest or the configuration before they are digested. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly layerType?: string;
}

/** Makes an OCI image of layer tars, bottom first, each compressed with gzip. */
export function makeImage(tars: readonly Buffer[], changes: ImageChanges = {}): ImageBytes {
  const blobs = new Map<string, Buffer>();
  const keep = (mediaType: string, bytes: Buffer): Descriptor => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const diffIds = tars.map(digestOf);
  const layers = tars.map((tar) => keep(changes.layerType ?? mediaTypes.ociLayerGzip, gzipSync(tar, { level: 1 })));
  const { os, architecture } = changes.platform ?? { os: 'linux', architecture: 'amd64' };
  const configuration = {
    created: '2024-01-02T03:04:05Z',
    os,
    architecture,
    config: { Env: changes.env ?? ['PATH=/bin'], Cmd: ['/bin/true'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
    ...changes.config,
  } as ImageConfigBlob;
  const config = keep(mediaTypes.ociConfig, json(configuration));
  const body = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers, ...changes.manifest };
  const manifest = keep(String(body.mediaType), json(body));
  return { manifest, config, layers, diffIds, blobs };
}

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A folder's content as a tar, with owners, modes, times, extended attributes, links and device nodes. */
export async function tarOf(folder: string, into: string): Promise<Buffer> {
  await runChecked('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-C', folder, '-cf', into, '.']);
  const bytes = await fs.readFile(into);
  await fs.rm(into);
  return bytes;
}

/** Writes an image as an OCI layout under the tag `latest`, for `skopeo copy oci:FOLDER:latest ...`. */
export async function writeLayout(folder: string, image: ImageBytes): Promise<void> {
  await fs.mkdir(path.join(folder, 'blobs/sha256'), { recursive: true });
  for (const [digest, bytes] of image.blobs) {
    await fs.writeFile(path.join(folder, 'blobs', digest.replace(':', '/')), bytes);
  }
  const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
  const index = { schemaVersion: 2, manifests: [{ ...image.manifest, annotations }] };
  await fs.writeFile(path.join(folder, 'index.json'), JSON.stringify(index));
  await fs.writeFile(path.join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}

/** Copies an image into a registry with skopeo. `reference` is `HOST:PORT/NAME:TAG`. */
export async function pushImage(image: ImageBytes, reference: string, scratch: string, login?: string): Promise<void> {
  const folder = await fs.mkdtemp(path.join(scratch, 'layout-'));
  await writeLayout(folder, image);
  const source = `oci:${folder}:latest`;
  const credentials = login ? ['--dest-creds', login] : [];
  const flags = ['--insecure-policy', 'copy', '--preserve-digests', '--dest-tls-verify=false', ...credentials];
  await runChecked('skopeo', [...flags, source, `docker://${reference}`]);
  await fs.rm(folder, { recursive: true });
}
