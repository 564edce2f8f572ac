/** What one quantity of a usage means, as the price library cuts it up. */
export interface UsageUnit {
  /** The library's name of its price. */
  readonly priceKey: string
  /** The price is for this many. */
  readonly per: number
  /** Our word for it, on receipts. */
  readonly kind: string
  readonly unit: string
  /** A unit contains every unit that has all its dimensions and more: `input_tokens` contains `cache_read_tokens`. */
  readonly dimensions: Readonly<Record<string, string>>
}

/**
 * The library's units, which it does not export. A test compares them with what the library does;
 * a model priced by a unit that is not here is refused, not undercharged.
 */
export const usageUnits = {
  audio_seconds: {
    priceKey: 'audio_hours',
    per: 3_600,
    kind: 'audio',
    unit: 'second',
    dimensions: { family: 'durations', modality: 'audio' },
  },
  cache_audio_read_tokens: {
    priceKey: 'cache_audio_read_mtok',
    per: 1_000_000,
    kind: 'cached_audio_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'audio', token_type: 'cache_read' },
  },
  cache_audio_write_1h_tokens: {
    priceKey: 'cache_audio_write_1h_mtok',
    per: 1_000_000,
    kind: 'audio_cache_write_1h',
    unit: 'token',
    dimensions: { cache_ttl: '1h', direction: 'input', family: 'tokens', modality: 'audio', token_type: 'cache_write' },
  },
  cache_audio_write_5m_tokens: {
    priceKey: 'cache_audio_write_5m_mtok',
    per: 1_000_000,
    kind: 'audio_cache_write_5m',
    unit: 'token',
    dimensions: { cache_ttl: '5m', direction: 'input', family: 'tokens', modality: 'audio', token_type: 'cache_write' },
  },
  cache_audio_write_tokens: {
    priceKey: 'cache_audio_write_mtok',
    per: 1_000_000,
    kind: 'audio_cache_write',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'audio', token_type: 'cache_write' },
  },
  cache_image_read_tokens: {
    priceKey: 'cache_image_read_mtok',
    per: 1_000_000,
    kind: 'cached_image_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'image', token_type: 'cache_read' },
  },
  cache_image_write_1h_tokens: {
    priceKey: 'cache_image_write_1h_mtok',
    per: 1_000_000,
    kind: 'image_cache_write_1h',
    unit: 'token',
    dimensions: { cache_ttl: '1h', direction: 'input', family: 'tokens', modality: 'image', token_type: 'cache_write' },
  },
  cache_image_write_5m_tokens: {
    priceKey: 'cache_image_write_5m_mtok',
    per: 1_000_000,
    kind: 'image_cache_write_5m',
    unit: 'token',
    dimensions: { cache_ttl: '5m', direction: 'input', family: 'tokens', modality: 'image', token_type: 'cache_write' },
  },
  cache_image_write_tokens: {
    priceKey: 'cache_image_write_mtok',
    per: 1_000_000,
    kind: 'image_cache_write',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'image', token_type: 'cache_write' },
  },
  cache_read_tokens: {
    priceKey: 'cache_read_mtok',
    per: 1_000_000,
    kind: 'cached_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', token_type: 'cache_read' },
  },
  cache_text_read_tokens: {
    priceKey: 'cache_text_read_mtok',
    per: 1_000_000,
    kind: 'cached_text_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'text', token_type: 'cache_read' },
  },
  cache_text_write_1h_tokens: {
    priceKey: 'cache_text_write_1h_mtok',
    per: 1_000_000,
    kind: 'text_cache_write_1h',
    unit: 'token',
    dimensions: { cache_ttl: '1h', direction: 'input', family: 'tokens', modality: 'text', token_type: 'cache_write' },
  },
  cache_text_write_5m_tokens: {
    priceKey: 'cache_text_write_5m_mtok',
    per: 1_000_000,
    kind: 'text_cache_write_5m',
    unit: 'token',
    dimensions: { cache_ttl: '5m', direction: 'input', family: 'tokens', modality: 'text', token_type: 'cache_write' },
  },
  cache_text_write_tokens: {
    priceKey: 'cache_text_write_mtok',
    per: 1_000_000,
    kind: 'text_cache_write',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'text', token_type: 'cache_write' },
  },
  cache_video_read_tokens: {
    priceKey: 'cache_video_read_mtok',
    per: 1_000_000,
    kind: 'cached_video_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'video', token_type: 'cache_read' },
  },
  cache_video_write_1h_tokens: {
    priceKey: 'cache_video_write_1h_mtok',
    per: 1_000_000,
    kind: 'video_cache_write_1h',
    unit: 'token',
    dimensions: { cache_ttl: '1h', direction: 'input', family: 'tokens', modality: 'video', token_type: 'cache_write' },
  },
  cache_video_write_5m_tokens: {
    priceKey: 'cache_video_write_5m_mtok',
    per: 1_000_000,
    kind: 'video_cache_write_5m',
    unit: 'token',
    dimensions: { cache_ttl: '5m', direction: 'input', family: 'tokens', modality: 'video', token_type: 'cache_write' },
  },
  cache_video_write_tokens: {
    priceKey: 'cache_video_write_mtok',
    per: 1_000_000,
    kind: 'video_cache_write',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'video', token_type: 'cache_write' },
  },
  cache_write_1h_tokens: {
    priceKey: 'cache_write_1h_mtok',
    per: 1_000_000,
    kind: 'cache_write_1h',
    unit: 'token',
    dimensions: { cache_ttl: '1h', direction: 'input', family: 'tokens', token_type: 'cache_write' },
  },
  cache_write_5m_tokens: {
    priceKey: 'cache_write_5m_mtok',
    per: 1_000_000,
    kind: 'cache_write_5m',
    unit: 'token',
    dimensions: { cache_ttl: '5m', direction: 'input', family: 'tokens', token_type: 'cache_write' },
  },
  cache_write_tokens: {
    priceKey: 'cache_write_mtok',
    per: 1_000_000,
    kind: 'cache_write',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', token_type: 'cache_write' },
  },
  code_executions: {
    priceKey: 'code_executions_kcount',
    per: 1_000,
    kind: 'code_executions',
    unit: 'call',
    dimensions: { family: 'tool_calls', tool_type: 'code_execution' },
  },
  input_annotated_document_pages: {
    priceKey: 'input_annotated_document_kpages',
    per: 1_000,
    kind: 'annotated_pages',
    unit: 'page',
    dimensions: { direction: 'input', family: 'document_pages', page_type: 'annotated' },
  },
  input_audio_seconds: {
    priceKey: 'input_audio_hours',
    per: 3_600,
    kind: 'audio_input',
    unit: 'second',
    dimensions: { direction: 'input', family: 'durations', modality: 'audio' },
  },
  input_audio_tokens: {
    priceKey: 'input_audio_mtok',
    per: 1_000_000,
    kind: 'audio_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'audio' },
  },
  input_audio_tool_tokens: {
    priceKey: 'input_audio_tool_mtok',
    per: 1_000_000,
    kind: 'audio_tool_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'audio', token_type: 'tool' },
  },
  input_characters: {
    priceKey: 'input_mchars',
    per: 1_000_000,
    kind: 'characters',
    unit: 'character',
    dimensions: { direction: 'input', family: 'characters' },
  },
  input_document_pages: {
    priceKey: 'input_document_kpages',
    per: 1_000,
    kind: 'document_pages',
    unit: 'page',
    dimensions: { direction: 'input', family: 'document_pages' },
  },
  input_image_tokens: {
    priceKey: 'input_image_mtok',
    per: 1_000_000,
    kind: 'image_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'image' },
  },
  input_image_tool_tokens: {
    priceKey: 'input_image_tool_mtok',
    per: 1_000_000,
    kind: 'image_tool_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'image', token_type: 'tool' },
  },
  input_pixels: {
    priceKey: 'input_gpixels',
    per: 1_000_000_000,
    kind: 'pixels',
    unit: 'pixel',
    dimensions: { direction: 'input', family: 'pixels' },
  },
  input_text_messages: {
    priceKey: 'input_text_messages_kcount',
    per: 1_000,
    kind: 'messages',
    unit: 'message',
    dimensions: { direction: 'input', family: 'messages', modality: 'text' },
  },
  input_text_tokens: {
    priceKey: 'input_text_mtok',
    per: 1_000_000,
    kind: 'text_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'text' },
  },
  input_text_tool_tokens: {
    priceKey: 'input_text_tool_mtok',
    per: 1_000_000,
    kind: 'text_tool_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'text', token_type: 'tool' },
  },
  input_tokens: {
    priceKey: 'input_mtok',
    per: 1_000_000,
    kind: 'input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens' },
  },
  input_tool_tokens: {
    priceKey: 'input_tool_mtok',
    per: 1_000_000,
    kind: 'tool_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', token_type: 'tool' },
  },
  input_video_tokens: {
    priceKey: 'input_video_mtok',
    per: 1_000_000,
    kind: 'video_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'video' },
  },
  input_video_tool_tokens: {
    priceKey: 'input_video_tool_mtok',
    per: 1_000_000,
    kind: 'video_tool_input',
    unit: 'token',
    dimensions: { direction: 'input', family: 'tokens', modality: 'video', token_type: 'tool' },
  },
  output_audio_citation_tokens: {
    priceKey: 'output_audio_citation_mtok',
    per: 1_000_000,
    kind: 'audio_citation',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'audio', token_type: 'citation' },
  },
  output_audio_reasoning_tokens: {
    priceKey: 'output_audio_reasoning_mtok',
    per: 1_000_000,
    kind: 'audio_reasoning',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'audio', token_type: 'reasoning' },
  },
  output_audio_seconds: {
    priceKey: 'output_audio_hours',
    per: 3_600,
    kind: 'audio_output',
    unit: 'second',
    dimensions: { direction: 'output', family: 'durations', modality: 'audio' },
  },
  output_audio_tokens: {
    priceKey: 'output_audio_mtok',
    per: 1_000_000,
    kind: 'audio_output',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'audio' },
  },
  output_citation_tokens: {
    priceKey: 'output_citation_mtok',
    per: 1_000_000,
    kind: 'citation',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', token_type: 'citation' },
  },
  output_image_citation_tokens: {
    priceKey: 'output_image_citation_mtok',
    per: 1_000_000,
    kind: 'image_citation',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'image', token_type: 'citation' },
  },
  output_image_reasoning_tokens: {
    priceKey: 'output_image_reasoning_mtok',
    per: 1_000_000,
    kind: 'image_reasoning',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'image', token_type: 'reasoning' },
  },
  output_image_tokens: {
    priceKey: 'output_image_mtok',
    per: 1_000_000,
    kind: 'image_output',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'image' },
  },
  output_reasoning_tokens: {
    priceKey: 'output_reasoning_mtok',
    per: 1_000_000,
    kind: 'reasoning',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', token_type: 'reasoning' },
  },
  output_text_citation_tokens: {
    priceKey: 'output_text_citation_mtok',
    per: 1_000_000,
    kind: 'text_citation',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'text', token_type: 'citation' },
  },
  output_text_reasoning_tokens: {
    priceKey: 'output_text_reasoning_mtok',
    per: 1_000_000,
    kind: 'text_reasoning',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'text', token_type: 'reasoning' },
  },
  output_text_tokens: {
    priceKey: 'output_text_mtok',
    per: 1_000_000,
    kind: 'text_output',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'text' },
  },
  output_tokens: {
    priceKey: 'output_mtok',
    per: 1_000_000,
    kind: 'output',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens' },
  },
  output_video_citation_tokens: {
    priceKey: 'output_video_citation_mtok',
    per: 1_000_000,
    kind: 'video_citation',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'video', token_type: 'citation' },
  },
  output_video_reasoning_tokens: {
    priceKey: 'output_video_reasoning_mtok',
    per: 1_000_000,
    kind: 'video_reasoning',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'video', token_type: 'reasoning' },
  },
  output_video_tokens: {
    priceKey: 'output_video_mtok',
    per: 1_000_000,
    kind: 'video_output',
    unit: 'token',
    dimensions: { direction: 'output', family: 'tokens', modality: 'video' },
  },
  requests: {
    priceKey: 'requests_kcount',
    per: 1_000,
    kind: 'requests',
    unit: 'request',
    dimensions: { family: 'requests' },
  },
  rerank_searches: {
    priceKey: 'rerank_searches_kcount',
    per: 1_000,
    kind: 'rerank_searches',
    unit: 'search',
    dimensions: { family: 'rerank' },
  },
  social_searches: {
    priceKey: 'social_searches_kcount',
    per: 1_000,
    kind: 'social_searches',
    unit: 'call',
    dimensions: { family: 'tool_calls', tool_type: 'social_search' },
  },
  storage_searches: {
    priceKey: 'storage_searches_kcount',
    per: 1_000,
    kind: 'storage_searches',
    unit: 'call',
    dimensions: { family: 'tool_calls', tool_type: 'storage_search' },
  },
  web_searches: {
    priceKey: 'web_searches_kcount',
    per: 1_000,
    kind: 'web_searches',
    unit: 'call',
    dimensions: { family: 'tool_calls', tool_type: 'web_search' },
  },
} as const satisfies Readonly<Record<string, UsageUnit>>

/** Names of quantities. `requests` is never reported: every priced usage is one. */
export type UsageKey = Exclude<keyof typeof usageUnits, 'requests'>

export const usageKeys = (Object.keys(usageUnits) as (UsageKey | 'requests')[]).filter((key) => key !== 'requests')

/**
 * Quantities of one call, in the price library's words. `input_tokens` and `output_tokens` are totals: cached, cache-write,
 * audio, image and reasoning tokens are parts of them and are named beside them. Fractions are allowed (seconds).
 */
export type Usage = { readonly [key in UsageKey]?: number | undefined }

/** `whole` has no dimension that `part` has not: true also for a unit and itself. */
export function contains(whole: UsageUnit, part: UsageUnit): boolean {
  return Object.entries(whole.dimensions).every(([name, value]) => part.dimensions[name] === value)
}

/** The unit that is both at once, such as cached audio for cached and audio; undefined when they exclude each other or no unit says it. */
export function overlapOf(one: UsageUnit, other: UsageUnit): UsageUnit | undefined {
  const dimensions: Record<string, string> = { ...one.dimensions }
  for (const [name, value] of Object.entries(other.dimensions)) {
    if ((dimensions[name] ?? value) !== value) return undefined
    dimensions[name] = value
  }
  const joined = { ...one, dimensions }
  return Object.values<UsageUnit>(usageUnits).find((unit) => contains(unit, joined) && contains(joined, unit))
}

/** Whether one quantity may be counted in both, that is, whether no dimension tells them apart. */
export function compatible(one: UsageUnit, other: UsageUnit): boolean {
  return Object.entries(one.dimensions).every(([name, value]) => (other.dimensions[name] ?? value) === value)
}
