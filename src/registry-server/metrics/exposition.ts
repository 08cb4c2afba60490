/**
 * Metrics as Prometheus reads them (text format 0.0.4): counters, gauges and histograms with labels. Kept by hand in
 * this file rather than by a library: the format is six lines of grammar, and what is counted here needs no more.
 */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(labels: Labels, amount?: number): void;
}

export interface Histogram {
  observe(labels: Labels, value: number): void;
}

/** One value that is asked for when somebody looks. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface MetricSet {
  counter(name: string, help: string): Counter;
  /** @param bounds upper ends of the buckets, ascending. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram;
  /** Asks `read` whenever somebody looks; for values that are kept elsewhere. */
  observed(name: string, help: string, kind: 'gauge' | 'counter', read: () => Iterable<Sample>): void;
  /** All of them, in the order they were made. */
  text(): string;
}

export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

export function createMetricSet(): MetricSet {
  const families: { name: string; help: string; kind: string; lines: () => Iterable<string> }[] = [];
  return {
    counter(name, help) {
      const series = new Map<string, number>();
      families.push({ name, help, kind: 'counter', lines: () => plainLines(name, series) });
      return {
        add(labels, amount = 1) {
          const key = formatLabels(labels);
          series.set(key, (series.get(key) ?? 0) + amount);
        },
      };
    },
    histogram(name, help, bounds) {
      const series = new Map<string, Buckets>();
      families.push({ name, help, kind: 'histogram', lines: () => bucketLines(name, bounds, series) });
      return {
        observe(labels, value) {
          const key = formatLabels(labels);
          const buckets = series.get(key) ?? { labels, counts: new Float64Array(bounds.length + 1), sum: 0 };
          series.set(key, buckets);
          const place = bounds.findIndex((bound) => value <= bound);
          const index = place < 0 ? bounds.length : place;
          buckets.counts[index] = (buckets.counts[index] ?? 0) + 1;
          buckets.sum += value;
        },
      };
    },
    observed(name, help, kind, read) {
      const lines = function* (): Generator<string> {
        for (const { labels, value } of read()) yield `${name}${formatLabels(labels)} ${formatNumber(value)}`;
      };
      families.push({ name, help, kind, lines });
    },
    text() {
      let text = '';
      for (const { name, help, kind, lines } of families) {
        text += `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${kind}\n`;
        for (const line of lines()) text += `${line}\n`;
      }
      return text;
    },
  };
}

interface Buckets {
  readonly labels: Labels;
  /** How many fell into each, the last being those above all bounds. */
  readonly counts: Float64Array;
  sum: number;
}

function* plainLines(name: string, series: ReadonlyMap<string, number>): Generator<string> {
  for (const [labels, value] of series) yield `${name}${labels} ${formatNumber(value)}`;
}

function* bucketLines(
  name: string,
  bounds: readonly number[],
  series: ReadonlyMap<string, Buckets>,
): Generator<string> {
  for (const [key, { labels, counts, sum }] of series) {
    let total = 0;
    for (const [index, count] of counts.entries()) {
      total += count;
      const le = formatNumber(bounds[index] ?? Number.POSITIVE_INFINITY);
      yield `${name}_bucket${formatLabels({ ...labels, le })} ${total}`;
    }
    yield `${name}_sum${key} ${formatNumber(sum)}`;
    yield `${name}_count${key} ${total}`;
  }
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return Number.isNaN(value) ? 'NaN' : String(value);
}
