import { invalid } from '../base/errors.ts';

/** `--platform` as newer routes want it, JSON; undefined when it is not given. @throws invalid for what is no platform. */
export const platformJson = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : platformText(text);

/** As `platformJson`, of one that is given. */
export function platformText(text: string): string {
  const [os = '', architecture = '', variant, ...more] = text.split('/');
  if (os === '' || architecture === '' || more.length > 0)
    throw invalid(`invalid platform ${JSON.stringify(text)}: it must be OS/ARCH[/VARIANT], such as linux/arm64`);
  return JSON.stringify({ os, architecture, ...(variant ? { variant } : {}) });
}
