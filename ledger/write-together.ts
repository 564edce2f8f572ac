import { Cluster, type Redis } from 'ioredis'

/**
 * What this turn of the event loop sends over the connection leaves in one write instead of one per command: nothing waits longer than for the
 * turn to end. A Cluster has a connection for each node behind it, and sends as it likes.
 */
export function writeTogether(redis: Redis | Cluster): void {
  if (redis instanceof Cluster) return
  const { stream } = redis
  // Not there before the first connection
  if (stream === undefined || stream.writableCorked > 0) return
  stream.cork()
  process.nextTick(() => stream.uncork())
}
