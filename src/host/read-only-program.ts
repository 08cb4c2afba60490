import { closeSync, mkdirSync, openSync } from 'node:fs';
import * as path from 'node:path';
import { errnoOf } from '../base/errors.ts';
import { mount, mountFlags, unmount } from './mount.ts';

/**
 * Shows a program under `target` on a read-only bind mount and returns that path. A runtime that finds itself on
 * one knows that no container can overwrite it, and need not copy itself into memory and run again at
 * every call. A mount that an earlier engine left is replaced, so that an upgraded program is taken up.
 * A `device` can be opened there, and nobody can change its owner or mode.
 * Where mounting is not allowed the program's own path is returned.
 */
export function bindReadOnly(program: string, target: string, { device = false } = {}): string {
  releaseProgram(target);
  mkdirSync(path.dirname(target), { recursive: true, mode: 0o711 });
  closeSync(openSync(target, 'a', 0o755));
  try {
    mount(program, target, '', mountFlags.bind);
    const { bind, remount, readOnly, noSuid, noDev } = mountFlags;
    mount('', target, '', bind | remount | readOnly | noSuid | (device ? 0 : noDev));
    return target;
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') throw error;
    releaseProgram(target);
    return program;
  }
}

/** Takes the mount away; a process that runs from it goes on. Idempotent. */
export function releaseProgram(target: string): void {
  while (unmount(target, { detach: true }));
}
