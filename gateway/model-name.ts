import { z } from 'zod'

/** The name of a model in a request. It becomes part of usage rows, whose fields '|' separates, and of a header. */
export const modelName = z
  .string()
  .regex(/^[\x20-\x7b\x7d\x7e]{1,200}$/, "a model's name has 1–200 ASCII characters other than |")
