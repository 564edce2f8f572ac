/** How often a page that plays a call says that it is still there. */
export const beatEveryMs = 5_000
