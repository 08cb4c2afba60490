import { createZoneNames } from './local-zone.ts';

/** Made at the first need: it keeps the zone's file. */
let zoneNames: ReturnType<typeof createZoneNames> | undefined;

/** A time in the local zone as Go prints it by default: `2006-01-02 15:04:05 -0700 MST`. @param seconds Unix time. */
export function localTime(seconds: number): string {
  const { day, time, zone } = localParts(seconds);
  const offset = zone.replace(':', '');
  zoneNames ??= createZoneNames();
  return `${day} ${time} ${offset} ${zoneNames(seconds, offset)}`;
}

/** A time in the local zone, to the nanosecond: `2006-01-02T15:04:05.000000000-07:00`, `Z` for UTC. @param fraction nanoseconds after `seconds`. */
export function localTimeNano(seconds: number, fraction: number): string {
  const { day, time, zone } = localParts(seconds);
  return `${day}T${time}.${String(fraction).padStart(9, '0')}${zone === '+00:00' ? 'Z' : zone}`;
}

/** A time in the local zone as RFC 3339: `2006-01-02T15:04:05-07:00`, `Z` for UTC. */
export function localTimeSeconds(seconds: number): string {
  const { day, time, zone } = localParts(seconds);
  return `${day}T${time}${zone === '+00:00' ? 'Z' : zone}`;
}

function localParts(seconds: number): { day: string; time: string; zone: string } {
  const date = new Date(seconds * 1000);
  const two = (number: number) => String(number).padStart(2, '0');
  const east = -date.getTimezoneOffset();
  return {
    day: `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    time: `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
    zone: `${east < 0 ? '-' : '+'}${two(Math.floor(Math.abs(east) / 60))}:${two(Math.abs(east) % 60)}`,
  };
}
