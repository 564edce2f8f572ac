// Loaded before a program (`node --import`): what the program takes for the time is off by CLOCK_SHIFT_MS, as on a machine whose clock is wrong. What it waits for, and what other processes say, stays as it is.
const shiftMs = Number(process.env['CLOCK_SHIFT_MS'])
const RealDate = Date
const now = (): number => RealDate.now() + shiftMs

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
})
