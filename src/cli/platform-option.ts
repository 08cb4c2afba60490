import { parsePlatform } from '../formats/platform.ts';

/** `--platform` as newer routes want it, JSON; undefined when it is not given. @throws invalid for what is no platform. */
export const platformJson = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : platformText(text);

/** As `platformJson`, of one that is given. What it leaves out is this host's, as Docker's client has it. */
export const platformText = (text: string): string => JSON.stringify(parsePlatform(text));
