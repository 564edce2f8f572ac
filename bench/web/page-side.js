// What runs inside the page that is measured: put there before its first load. Times are ms since 1970, by the clock that the measuring process has too.
;(() => {
  const bar = () => document.querySelector('.cr-bar')
  const now = () => performance.timeOrigin + performance.now()
  // A frame's callbacks come before its paint, a task of their own after it
  const afterPaint = (then) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.addEventListener('message', then)
      port1.start()
      port2.postMessage(null)
    })
  const observe = (type, each) =>
    new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true })

  const seen = { paintMs: 0, blockedMs: 0, shift: 0 }
  let longest = 0
  observe('largest-contentful-paint', ({ startTime }) => (seen.paintMs = startTime))
  observe('layout-shift', ({ value }) => (seen.shift += value))
  observe('longtask', ({ duration }) => {
    seen.blockedMs += duration - 50
    longest = Math.max(longest, duration)
  })

  const paints = []
  let waiting = []
  const onVersion = () => {
    const version = Number(bar()?.getAttribute('data-version') ?? 0)
    if (version <= (paints.at(-1)?.version ?? 0)) return
    const paint = { version, atMs: 0 }
    paints.push(paint)
    if (paints.length > 1_000) paints.splice(0, 500)
    afterPaint(() => {
      paint.atMs = now()
      const due = waiting.filter((each) => version >= each.version)
      waiting = waiting.filter((each) => version < each.version)
      for (const { resolve } of due) resolve(paint.atMs)
    })
  }
  const options = { subtree: true, childList: true, attributes: true, attributeFilter: ['data-version'] }
  new MutationObserver(onVersion).observe(document, options)

  const whenEachFrame = (found) =>
    new Promise((resolve) => {
      const look = () => (found() ? resolve(now()) : requestAnimationFrame(look))
      look()
    })

  globalThis.bench = {
    seen,
    /** When the bar that shows at least this version had been painted. */
    painted: (version) =>
      new Promise((resolve) => {
        const found = paints.find((paint) => paint.version >= version && paint.atMs > 0)
        if (found === undefined) waiting.push({ version, resolve })
        else resolve(found.atMs)
      }),
    left: (attribute, value) => whenEachFrame(() => bar()?.getAttribute(attribute) !== value),
    became: (attribute, value) => whenEachFrame(() => bar()?.getAttribute(attribute) === value),
    /** ms from the navigation until bar and table had figures. */
    ready: async () => {
      const atMs = await whenEachFrame(
        () =>
          document.querySelector('.cr-bar-button') !== null &&
          document.querySelector('table tbody tr[data-key] .number') !== null,
      )
      return atMs - performance.timeOrigin
    },
    /** How long after a click what it opens had been painted, ms. */
    opens: async (selector, opened) => {
      const startedMs = now()
      document.querySelector(selector).click()
      await whenEachFrame(() => document.querySelector(opened)?.checkVisibility() === true)
      await new Promise(afterPaint)
      return now() - startedMs
    },
    /** The longest time that the page did nothing else, ms, since this was asked last; 0 where none took 50 ms. */
    longestTask: () => {
      const told = longest
      longest = 0
      return told
    },
    hide: () => {
      Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })
      document.dispatchEvent(new Event('visibilitychange'))
    },
    /** When a tab that gets no frames had at least this version. */
    knew: (version) =>
      new Promise((resolve) => {
        const look = () =>
          Number(bar()?.getAttribute('data-version')) >= version ? resolve(now()) : setTimeout(look, 5)
        look()
      }),
  }
})()
