// Loaded into a program before its own code: tells on standard error when the tokenizer is loaded.
import { registerHooks } from 'node:module'

registerHooks({
  load(url, context, next) {
    if (/\/o200k_base\.\w+$/.test(url)) process.stderr.write('the tokenizer is loaded\n')
    return next(url, context)
  },
})
