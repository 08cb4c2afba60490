import * as fs from 'node:fs';
import * as path from 'node:path';
import { conflict } from '../base/errors.ts';
import { type LockedFile, lockFile } from '../host/file-lock.ts';

/**
 * Claims a data root and a pid file for this process, so that two engines never share one. What a killed engine
 * left of either is taken over. Disposing removes the pid file.
 * @throws conflict, with the process id of the engine that is there.
 */
export function claimRoots(dataRoot: string, pidFile: string): Disposable {
  const root = lockFile(path.join(dataRoot, 'tugd.lock'));
  if (!root) throw conflict(`another engine uses the data root ${dataRoot}: stop it, or use another --data-root`);
  try {
    const pid = claimPidFile(pidFile);
    return {
      [Symbol.dispose]() {
        fs.rmSync(pidFile, { force: true });
        pid[Symbol.dispose]();
        root[Symbol.dispose]();
      },
    };
  } catch (error) {
    root[Symbol.dispose]();
    throw error;
  }
}

function claimPidFile(file: string): LockedFile {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 });
  const locked = lockFile(file, 0o644);
  if (!locked) {
    const pid = fs.readFileSync(file, 'utf8').trim();
    throw conflict(`failed to start daemon: process with PID ${pid} is still running (${file})`);
  }
  fs.ftruncateSync(locked.fd);
  fs.writeSync(locked.fd, String(process.pid), 0);
  return locked;
}
