import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server that a test can break: cut (connections end and are refused), silence (nothing gets through), mend. */
export interface Cuttable {
  readonly url: string
  cut(): void
  silence(): void
  mend(): void
  close(): void
}

/** Listens on any free port unless one is given. */
export async function openCuttable(target: URL, port = 0): Promise<Cuttable> {
  const sockets = new Set<Socket>()
  let state: 'open' | 'cut' | 'silent' = 'open'
  const server = createServer((near) => {
    sockets.add(near)
    near.on('error', () => {})
    if (state === 'cut') return near.destroy()
    const far = connect(Number(target.port || 5432), target.hostname)
    sockets.add(far)
    far.on('error', () => near.destroy())
    near.on('data', (bytes) => state !== 'silent' && far.write(bytes))
    far.on('data', (bytes) => state !== 'silent' && near.write(bytes))
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  const breakAll = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    url: url.href,
    cut() {
      state = 'cut'
      breakAll()
    },
    silence() {
      state = 'silent'
    },
    mend() {
      state = 'open'
    },
    close() {
      breakAll()
      server.close()
    },
  }
}
