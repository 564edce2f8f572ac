import type { Catalogue, PricedActivity } from './catalogue.ts'

/** What one image of this quality is charged as. Throws for a catalogue without images: nobody may be asked for one then. */
export function imagePrice({ images, activities }: Catalogue, quality: string | undefined): PricedActivity {
  const named = images.qualities.find((each) => each.quality === quality)
  const { activity: name } = named ?? images.qualities.find((each) => each.quality === '*') ?? { activity: '' }
  const activity = activities.find((each) => each.name === name)
  // The parser sees to it.
  if (activity === undefined || !('price' in activity)) throw new RangeError('the catalogue has no price for images')
  return activity
}
