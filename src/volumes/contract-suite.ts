import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import type { VolumeDriver } from './driver-contract.ts';

/** What every volume driver does, in a folder of its own. `options` are all sets of options that need nothing but this host. */
export function testVolumeDriver(
  name: string,
  open: (root: string) => VolumeDriver,
  optionSets: readonly Readonly<Record<string, string>>[],
): void {
  const withDriver = async (work: (driver: VolumeDriver) => Promise<void>): Promise<void> => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'volumes-'));
    try {
      await work(open(path.join(root, 'volumes')));
    } finally {
      fs.rmSync(root, { recursive: true });
    }
  };

  describe(`the volume driver ${name}`, () => {
    for (const options of optionSets) {
      const volume = { name: 'one', options };
      it(`keeps a volume with the options ${JSON.stringify(options)}`, () =>
        withDriver(async (driver) => {
          driver.check(options);
          await driver.create(volume);
          await driver.create(volume);
          const data = driver.path('one');
          for (let time = 0; time < 2; time += 1) {
            await driver.mount(volume);
            await driver.mount(volume);
            assert.deepEqual(fs.readdirSync(data), []);
            assert.equal(fs.statSync(data).dev !== fs.statSync(path.dirname(data)).dev, driver.needsMount(volume));
            await driver.unmount(volume);
            await driver.unmount(volume);
          }
          await driver.mount(volume);
          fs.writeFileSync(path.join(data, 'file'), 'kept');
          await driver.remove(volume); // also one that is mounted
          assert.equal(fs.existsSync(data), false);
          await driver.remove(volume);
        }));

      it(`renames a volume with the options ${JSON.stringify(options)}`, () =>
        withDriver(async (driver) => {
          await driver.create(volume);
          await driver.rename(volume, 'two');
          await driver.rename(volume, 'two');
          const renamed = { name: 'two', options };
          await driver.mount(renamed);
          await driver.remove(renamed);
        }));
    }

    it('says that the data of a volume is gone', () =>
      withDriver(async (driver) => {
        const volume = { name: 'gone', options: {} };
        await assert.rejects(driver.mount(volume), { kind: 'not-found' });
      }));

    it('refuses options that it does not know', () =>
      withDriver(async (driver) => {
        assert.throws(() => driver.check({ nosuch: '1' }), { kind: 'invalid', message: 'invalid option: "nosuch"' });
      }));
  });
}
