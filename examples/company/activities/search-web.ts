/** A search that finds the same three pages about everything. Free by the catalogue, and on the books all the same. */
export function searchWeb() {
  return async ({ query }: { readonly query: string }): Promise<readonly string[]> =>
    ['a reference', 'a news page', 'a forum'].map(
      (page) => `From ${page} on ${query}: it depends, and has been growing.`,
    )
}
