import type { ImageBytes } from './image-layout.ts';

/** Uploads an image to a plain registry by the distribution protocol, byte for byte and whatever its media types are. */
export async function putImage(image: ImageBytes, host: string, repository: string, tag: string): Promise<void> {
  const base = `http://${host}/v2/${repository}`;
  for (const { digest } of [image.config, ...image.layers]) {
    const begun = await accepted(await fetch(`${base}/blobs/uploads/`, { method: 'POST' }));
    const target = new URL(begun.headers.get('location') ?? '', base);
    target.searchParams.set('digest', digest);
    await accepted(await fetch(target, { method: 'PUT', body: bytesOf(image, digest) }));
  }
  const { digest, mediaType } = image.manifest;
  const put = { method: 'PUT', headers: { 'content-type': mediaType }, body: bytesOf(image, digest) };
  await accepted(await fetch(`${base}/manifests/${tag}`, put));
}

const bytesOf = (image: ImageBytes, digest: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(image.blobs.get(digest) ?? []);

async function accepted(response: Response): Promise<Response> {
  if (!response.ok) throw new Error(`${response.url}: status ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
  return response;
}
