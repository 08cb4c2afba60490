import { invalid } from '../../base/errors.ts';
import { asFilesystemChange } from '../../containers/commit.ts';
import type { ImageReports, ImageUser } from '../../images/reports.ts';
import type { Handlers } from '../http/router.ts';
import { readPlatform } from './platform.ts';

/** What is told of images. */
export function imageReportRoutes(reports: ImageReports, users: () => readonly ImageUser[]): Handlers {
  return {
    ImageHistory: (exchange) => {
      const platform = readPlatform(exchange.query.text('platform'));
      return { status: 200, body: reports.history(exchange.param('name'), platform) };
    },
    ImageTree: () => ({ status: 200, body: reports.tree(users()) }),
    async ImageCompare(exchange) {
      const base = exchange.query.text('base');
      if (!base) throw invalid('base must name the image to compare with');
      const changes = await reports.compare(base, exchange.param('name'));
      return { status: 200, body: changes.map(asFilesystemChange) };
    },
  };
}
