import { partPath } from '../../bin/parts.ts'
import { type Child, startChild } from '../../bin/stack/child.ts'
import { freePort } from '../../bin/stack/free-port.ts'

export interface LiveKitKeys {
  readonly apiKey: string
  readonly apiSecret: string
}

export interface RunningLiveKit extends Child, LiveKitKeys {
  readonly url: string
  readonly port: number
}

const keys: LiveKitKeys = { apiKey: 'key-of-the-tests', apiSecret: 'a-secret-that-only-the-tests-know' }

/** A real media server on the loopback interface, which sends its webhooks to `webhookUrl`. */
export async function startLiveKit(
  options: { readonly webhookUrl?: string; readonly port?: number } = {},
): Promise<RunningLiveKit> {
  const port = options.port ?? (await freePort())
  const settings = {
    port,
    bind_addresses: ['127.0.0.1'],
    log_level: 'error',
    rtc: {
      tcp_port: await freePort(),
      udp_port: await freePort(),
      use_external_ip: false,
      node_ip: '127.0.0.1',
      enable_loopback_candidate: true,
    },
    keys: { [keys.apiKey]: keys.apiSecret },
    ...(options.webhookUrl === undefined ? {} : { webhook: { api_key: keys.apiKey, urls: [options.webhookUrl] } }),
  }
  const child = await startChild({
    command: partPath('LIVEKIT_SERVER'),
    // Its configuration is YAML, of which JSON is a part
    args: ['--config-body', JSON.stringify(settings)],
    port,
    isReady: async () => (await fetch(`http://127.0.0.1:${port}/`)).ok,
  })
  return { ...child, ...keys, port, url: `ws://127.0.0.1:${port}` }
}
