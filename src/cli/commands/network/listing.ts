import type { NetworkSummary } from '../../../api/types/network.ts';
import { shortId } from '../../../base/ids.ts';
import type { Listing } from '../../output/listing.ts';

/** As Go prints a time in UTC: without zeros at the end of a fraction. */
const goTime = (time: string): string =>
  `${time
    .replace('T', ' ')
    .replace(/(\.\d*?)0*Z$/, '$1')
    .replace(/[.Z]$/, '')} +0000 UTC`;

const yes = (value: boolean): string => String(value);

/** The fields of `tug network ls`, with Docker's names and headers. */
export const networkListing = ({ truncate }: { truncate: boolean }): Listing<NetworkSummary> => ({
  columns: ['ID', 'Name', 'Driver', 'Scope'],
  fields: {
    CreatedAt: { header: 'CREATED AT', value: ({ Created }) => goTime(Created) },
    Driver: { header: 'DRIVER', value: ({ Driver }) => Driver },
    ID: { header: 'NETWORK ID', value: ({ Id }) => (truncate ? shortId(Id) : Id) },
    IPv4: { header: 'IPV4', value: ({ EnableIPv4 }) => yes(EnableIPv4) },
    IPv6: { header: 'IPV6', value: ({ EnableIPv6 }) => yes(EnableIPv6) },
    Internal: { header: 'INTERNAL', value: ({ Internal }) => yes(Internal) },
    Labels: { header: 'LABELS', value: ({ Labels }) => labelsText(Labels) },
    Name: { header: 'NAME', value: ({ Name }) => Name },
    Scope: { header: 'SCOPE', value: ({ Scope }) => Scope },
  },
  methodHeaders: { Label: (key) => (key.split('.').at(-1) ?? '').replace(/[-_]/g, ' ') },
  methods: { Label: (network) => (key) => network.Labels?.[key] ?? '' },
});

const labelsText = (labels: NetworkSummary['Labels']): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
