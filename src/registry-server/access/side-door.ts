import type { AccessController } from '../contract.ts';
import { failureOf } from '../http/errors.ts';
import type { SideDoor } from '../http/server.ts';

/** Lets an access controller answer its own paths (`/token`). */
export function accessDoor({ routes = {} }: AccessController): SideDoor {
  return (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (!route) return false;
    route(request, response).catch((error: unknown) => {
      const { status, headers, body } = failureOf(error);
      if (response.headersSent) response.destroy();
      else response.writeHead(status, headers).end(body);
    });
    return true;
  };
}
