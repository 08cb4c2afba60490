import type { ImageReports } from '../../images/reports.ts';
import type { Handlers } from '../http/router.ts';
import { readPlatform } from './platform.ts';

/** What is told of images. */
export function imageReportRoutes(reports: ImageReports): Handlers {
  return {
    ImageHistory: (exchange) => {
      const platform = readPlatform(exchange.query.text('platform'));
      return { status: 200, body: reports.history(exchange.param('name'), platform) };
    },
  };
}
