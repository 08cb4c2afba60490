import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { parseZoneFile, type ZoneFile, zoneAbbreviation } from '../../formats/zone-file.ts';

/** Where systems keep the files of time zones, in the order in which they are looked for. */
const folders = ['/usr/share/zoneinfo', '/usr/share/lib/zoneinfo', '/usr/lib/locale/TZ', '/etc/zoneinfo'];

/**
 * Names local times as Go does: `CET`, `IST`, or `-03` in a zone that has no letters. Reads the zone's file once: the one
 * that TZ names, /etc/localtime without TZ.
 * @returns for a Unix time and its offset (`+0100`) the name; made of the offset where there is no file.
 */
export function createZoneNames(tz = process.env['TZ']): (seconds: number, offset: string) => string {
  let zone: ZoneFile | undefined | 'unread' = 'unread';
  return (seconds, offset) => {
    if (zone === 'unread') zone = readZone(tz);
    if (!zone) return offset === '+0000' ? 'UTC' : offset.slice(0, offset.endsWith('00') ? 3 : 5);
    return zoneAbbreviation(zone, seconds, secondsEast(offset));
  };
}

function readZone(tz: string | undefined): ZoneFile | undefined {
  const name = tz?.replace(/^:/, '');
  if (name === '') return undefined;
  const files = name === undefined ? ['/etc/localtime'] : folders.map((folder) => path.resolve(folder, name));
  for (const file of files) {
    try {
      return parseZoneFile(readFileSync(file));
    } catch {} // not there, or not for this user: the next, and at last the offset alone
  }
  return undefined;
}

function secondsEast(offset: string): number {
  const seconds = Number(offset.slice(1, 3)) * 3600 + Number(offset.slice(3)) * 60;
  return offset.startsWith('-') ? -seconds : seconds;
}
