/** Upper bounds of the buckets, in seconds; what is above the last one counts in the total only. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const

/** A route as the router knows it: one object per route, the same for all of its requests. */
export interface TimedRoute { url?: string }

/** One line of a histogram, as the metrics library takes it. */
export interface HistogramValue { labels: Record<string, string | number>, metricName: string, value: number }

interface Series { method: string, status: number, buckets: Float64Array, sum: number, count: number }

/** How long answers took, by route, method and status. Noting one is some additions; labels are made when someone asks. */
export interface ResponseTimes {
  note (route: TimedRoute, method: string, status: number, seconds: number): void
  /** Cumulative buckets, sum and count of every series, named after the histogram. */
  values (name: string): HistogramValue[]
}

export function createResponseTimes (): ResponseTimes {
  const routes = new Map<TimedRoute, Series[]>()

  function seriesOf (route: TimedRoute, method: string, status: number): Series {
    let all = routes.get(route)
    if (!all) routes.set(route, all = [])
    for (const series of all) if (series.status === status && series.method === method) return series
    const made = { method, status, buckets: new Float64Array(BOUNDS.length), sum: 0, count: 0 }
    all.push(made)
    return made
  }

  return {
    note (route, method, status, seconds) {
      const series = seriesOf(route, method, status)
      let bucket = 0
      while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] as number)) bucket++
      if (bucket < BOUNDS.length) series.buckets[bucket] = (series.buckets[bucket] as number) + 1
      series.sum += seconds
      series.count++
    },
    values (name) {
      // Scopes have a route of their own for what is unknown to them; to a reader it is one.
      const byLabels = new Map<string, { labels: Record<string, string>, series: Series }>()
      for (const [{ url: route = 'unmatched' }, all] of routes) {
        for (const series of all) {
          const labels = { method: series.method, route, status: String(series.status) }
          const key = Object.values(labels).join(' ')
          const former = byLabels.get(key)
          byLabels.set(key, { labels, series: former ? sumOf(former.series, series) : series })
        }
      }
      return [...byLabels.values()].flatMap(({ labels, series }) => linesOf(name, labels, series))
    }
  }
}

function sumOf (one: Series, other: Series): Series {
  return { ...one, buckets: one.buckets.map((count, bucket) => count + (other.buckets[bucket] as number)), sum: one.sum + other.sum, count: one.count + other.count }
}

function linesOf (name: string, labels: Record<string, string>, { buckets, sum, count }: Series): HistogramValue[] {
  let below = 0
  return [
    ...BOUNDS.map((le, bucket) => {
      below += buckets[bucket] as number
      return { labels: { le, ...labels }, metricName: `${name}_bucket`, value: below }
    }),
    { labels: { le: '+Inf', ...labels }, metricName: `${name}_bucket`, value: count },
    { labels, metricName: `${name}_sum`, value: sum },
    { labels, metricName: `${name}_count`, value: count }
  ]
}
