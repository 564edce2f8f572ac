import en from './en.json' with { type: 'json' }

/** Words of the app; those of the components are theirs. */
export function t(key: keyof typeof en, values: Readonly<Record<string, string | number>> = {}): string {
  return en[key].replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
}

/** 'Fast' for `fast`; a tier that this version does not know by its own name. */
export function tierName(tier: string): string {
  const key = `tier.${tier}`
  return key in en ? en[key as keyof typeof en] : tier
}
