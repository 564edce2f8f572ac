// `tollgate/catalogue`: reads a catalogue.yaml.
export type { Catalogue } from '../credits/catalogue.ts'
export {
  type CatalogueAnswer,
  type CatalogueError,
  formatCatalogueErrors,
  parseCatalogue,
} from '../credits/parse-catalogue.ts'
