import { bootstrapRequest } from '../../api/types/bootstrap-request.ts';
import type { Bootstrapper } from '../../images/bootstrap/bootstrap.ts';
import { answerWithProgress } from '../http/progress.ts';
import type { Handlers } from '../http/router.ts';

/** `POST /images/bootstrap`, tug's own: base images from a distribution's packages. */
export function bootstrapRoutes(bootstrapper: Bootstrapper): Handlers {
  return {
    async ImageBootstrap(exchange) {
      const request = await exchange.body(bootstrapRequest);
      return await answerWithProgress(exchange, async (progress) => {
        const image = await bootstrapper.bootstrap(request, progress, exchange.signal);
        progress({ status: image.id });
      });
    },
  };
}
