const plain = 'abcdefghijklmnopqrstuvwxyz'
const accented = 'áƀçðéƒĝĥíĵķļɱñóþʠŕšţúṽŵẋýž'

/** The same messages, accented, in brackets and two fifths longer. What stands for a value stays. */
export function pseudoMessages(messages: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(messages).map(([key, text]) => [key, pseudo(text)]))
}

function pseudo(text: string): string {
  if (text === '') return ''
  const words = text
    .split(/(\{\w+\})/)
    .map((part) => (part.startsWith('{') ? part : accent(part)))
    .join('')
  const more = Math.ceil(text.replaceAll(/\{\w+\}/g, '').length * 0.4)
  return `⟦${words} ${'ẋéļŵ '
    .repeat(Math.ceil(more / 5))
    .slice(0, more)
    .trim()}⟧`
}

function accent(text: string): string {
  return text.replaceAll(/[a-z]/gi, (letter) => {
    const lower = accented[plain.indexOf(letter.toLowerCase())]!
    return letter === letter.toLowerCase() ? lower : lower.toUpperCase()
  })
}
