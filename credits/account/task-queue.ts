/** Where Tollgate's workers take work from: accounts, and the sessions that customers' workflows begin. */
export const accountTaskQueue = 'tollgate'
