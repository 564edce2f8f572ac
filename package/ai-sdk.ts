// `tollgate/ai-sdk`: a provider of the AI SDK, for activities.
export { createTollgateProvider, type TollgateProvider, type TollgateProviderOptions } from '../middleware/ai-sdk.ts'
