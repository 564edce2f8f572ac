// `tollgate/openai`: the openai client, for activities.
export { createOpenAI, type OpenAIOptions } from '../middleware/openai.ts'
