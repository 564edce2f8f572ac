import type { Redis } from 'ioredis'

/** What INFO says of a server, by its names: `redis_version`, `role`, `connected_slaves`. */
export type RedisFacts = ReadonlyMap<string, string>

/** Rejects as ioredis does. */
export async function redisFacts(node: Redis): Promise<RedisFacts> {
  return parseFacts(await node.info())
}

export function parseFacts(info: string): RedisFacts {
  const lines = info.split('\r\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}
