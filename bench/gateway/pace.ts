/** What the mock upstream's streams do: a fast model's pace, and an answer of five seconds. */
export const chunksPerSecond = 50
export const chunksPerStream = 250
