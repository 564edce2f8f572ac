import { createHash } from 'node:crypto'
import { crc32, deflateSync } from 'node:zlib'
import type { ImageRequest } from '../image-request.ts'

/** Pixels of a side. Small, whatever size is asked for: it is to be recognized, not looked at. */
const side = 64
const cells = 8

/**
 * The images of a request, as OpenAI lists them: the same request gets the same ones. A prompt that says "fail 2" gets two less, as if a provider had
 * failed at them.
 */
export function practiceImages({ prompt, n, size, quality, response_format }: ImageRequest): readonly object[] {
  const failing = Number(/\bfail (\d{1,3})\b/i.exec(prompt)?.[1] ?? 0)
  return Array.from({ length: Math.max(0, (n ?? 1) - failing) }, (_, index) => {
    const base64 = pngOf(`${prompt}\n${size ?? ''}\n${quality ?? ''}\n${index}`).toString('base64')
    return response_format === 'url' ? { url: `data:image/png;base64,${base64}` } : { b64_json: base64 }
  })
}

/** A pattern of two colours, the same on both sides. */
function pngOf(seed: string): Buffer {
  const digest = createHash('sha256').update(seed).digest()
  const [light, dark] = [
    digest.subarray(0, 3).map((part) => part | 0x80),
    digest.subarray(3, 6).map((part) => part >> 1),
  ]
  const isLight = (row: number, column: number): boolean =>
    ((digest[8 + row]! >> Math.min(column, cells - 1 - column)) & 1) === 1
  const lines = Array.from({ length: side }, (_, y) => {
    const pixels = Array.from({ length: side }, (_, x) =>
      isLight(Math.floor((y * cells) / side), Math.floor((x * cells) / side)) ? light : dark,
    )
    return Buffer.concat([Buffer.of(0), ...pixels])
  })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  // 8 bits a channel, red green blue; the three that follow have one value each.
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(lines))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.byteLength)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, check])
}
