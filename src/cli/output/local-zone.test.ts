import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createZoneNames } from './local-zone.ts';

const noZones = !existsSync('/usr/share/zoneinfo/Europe/Berlin') && 'this machine has no files of time zones (tzdata)';

describe('names of local times', () => {
  const winter = Date.parse('2026-01-01T00:00:00Z') / 1000;
  const summer = Date.parse('2026-07-01T00:00:00Z') / 1000;

  it('are those of the zone that TZ says, as Go has them', { skip: noZones }, () => {
    assert.equal(createZoneNames('Europe/Berlin')(winter, '+0100'), 'CET');
    assert.equal(createZoneNames(':Europe/Berlin')(summer, '+0200'), 'CEST');
    assert.equal(createZoneNames('America/Sao_Paulo')(winter, '-0300'), '-03');
    assert.equal(createZoneNames('/usr/share/zoneinfo/Asia/Kolkata')(winter, '+0530'), 'IST');
  });

  it('are made of the offset where there is no file', () => {
    assert.equal(createZoneNames('')(winter, '+0000'), 'UTC');
    assert.equal(createZoneNames('No/Such')(winter, '+0100'), '+01');
    assert.equal(createZoneNames('No/Such')(winter, '+0545'), '+0545');
  });
});
