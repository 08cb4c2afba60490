import assert from 'node:assert/strict';
import { formatEntry, type TarEntryInput, tarTrailer } from '../../src/formats/tar/writer.ts';
import type { TestEngine } from './engine.ts';

/** Makes containers of an image that sleep, without a network. */
export const createFrom =
  (engine: TestEngine, image: string) =>
  async (name: string, host: object = {}, config: object = {}, start = false): Promise<void> => {
    const HostConfig = { NetworkMode: 'none', ...host };
    const body = { Image: image, Cmd: ['sleep', '1000'], ...config, HostConfig };
    const made = await engine.api('POST', `/containers/create?name=${name}`, body);
    assert.equal(made.status, 201, made.text);
    if (start) assert.equal((await engine.api('POST', `/containers/${name}/start`)).status, 204);
  };

/** A tar of these entries, with their data. */
export const archiveOf = (...entries: (TarEntryInput & { data?: string })[]): Buffer =>
  Buffer.concat([
    ...entries.flatMap(({ data = '', ...input }) => {
      const size = Buffer.byteLength(data);
      return [formatEntry({ ...input, size }), Buffer.from(data), Buffer.alloc((512 - (size % 512)) % 512)];
    }),
    tarTrailer(),
  ]);
