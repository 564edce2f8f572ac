import type { Redis } from 'ioredis'

/** CPU time that a Redis has used so far, by its own account, in µs. */
export async function redisCpuOf(redis: Redis): Promise<number> {
  const [, system, , user] = /used_cpu_sys:([\d.]+)(\s+)used_cpu_user:([\d.]+)/.exec(await redis.info('cpu')) ?? []
  return (Number(system) + Number(user)) * 1_000_000
}
