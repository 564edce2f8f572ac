import { type RefObject, useEffect, useRef } from 'react'

export interface FollowedEnd {
  /** What scrolls. */
  readonly log: RefObject<HTMLDivElement | null>
  /** What grows in it. */
  readonly list: RefObject<HTMLOListElement | null>
}

/** How far from the end its reader still counts as being there, pixels. */
const nearPixels = 40

/** Keeps the end in view while something grows, as long as its reader is there. `isThere`: there is something to follow. */
export function useFollowedEnd(isThere: boolean): FollowedEnd {
  const log = useRef<HTMLDivElement>(null)
  const list = useRef<HTMLOListElement>(null)
  useEffect(() => {
    const [scrolled, grown] = [log.current, list.current]
    if (!isThere || scrolled === null || grown === null) return undefined
    let isAtEnd = true
    let topBefore = scrolled.scrollTop
    const onScroll = (): void => {
      const { scrollTop, scrollHeight, clientHeight } = scrolled
      // More may have grown since the end was reached: only who goes back has left it
      if (scrollHeight - scrollTop - clientHeight < nearPixels) isAtEnd = true
      else if (scrollTop < topBefore) isAtEnd = false
      topBefore = scrollTop
    }
    const observer = new ResizeObserver(() => {
      if (isAtEnd) scrolled.scrollTop = scrolled.scrollHeight
    })
    scrolled.addEventListener('scroll', onScroll)
    observer.observe(grown)
    return () => {
      scrolled.removeEventListener('scroll', onScroll)
      observer.disconnect()
    }
  }, [isThere])
  return { log, list }
}
