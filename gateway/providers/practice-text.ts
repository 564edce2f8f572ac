const sentences = [
  'This is the practice provider speaking, so nothing here was thought by a model.',
  'It answers without a network and counts its tokens like the model that it stands for.',
  'The plan has three steps: collect the facts, write them down, and check them once more.',
  'A good first draft says what is wanted, for whom, and by when.',
  'Most of the work is deciding what to leave out.',
  'The figures of last week were slightly better than those of the week before.',
  'Every number on the page can be traced to the charge that it came from.',
  'If something is unclear, a short question now is cheaper than a long answer later.',
  'The team meets on Tuesday and looks at the open points together.',
  'Small steps are easier to review, and easier to take back.',
  'When the credits run out the stream stops, and it resumes when there are credits again.',
  'Customers asked for a summary that fits on one screen, so this one does.',
  'The next release contains two fixes and one new page.',
  'Nothing in this text is a secret, and all of it may be quoted.',
]
const numbers = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
]
const mostWords = 50_000

/** An answer to a prompt: as long as it asks for ("in five words", "write 500 words"), else a short paragraph. `seed` is hexadecimal. */
export function practiceText(prompt: string, seed: string): string {
  const wanted = wordsAskedFor(prompt) ?? 40 + (Number.parseInt(seed.slice(0, 4), 16) % 60)
  const words: string[] = []
  for (
    let turn = Number.parseInt(seed.slice(4, 12), 16);
    words.length < wanted;
    turn += 1 + (Number.parseInt(seed[turn % seed.length]!, 16) % 5)
  ) {
    words.push(...sentences[turn % sentences.length]!.split(' '))
  }
  const text = words.slice(0, wanted).join(' ')
  return /[.]$/.test(text) ? text : `${text.replace(/[,:]$/, '')}.`
}

function wordsAskedFor(prompt: string): number | undefined {
  const asked = new RegExp(`\\b(\\d[\\d,.]*|${numbers.join('|')})[ -]+(words?|sentences?|paragraphs?)\\b`, 'i').exec(
    prompt,
  )
  if (asked === null) return undefined
  const spoken = numbers.indexOf(asked[1]!.toLowerCase())
  const count = spoken >= 0 ? spoken : Number(asked[1]!.replaceAll(/[,.]/g, ''))
  const each = /^w/i.test(asked[2]!) ? 1 : /^s/i.test(asked[2]!) ? 14 : 70
  return Math.min(mostWords, Math.max(1, count * each))
}
