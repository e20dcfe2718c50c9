import { readFileSync } from 'node:fs'

/** Version of the package: package.json is two folders up in a checkout, three up in dist/. */
export function version(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { name?: string; version?: string }
      if (manifest.name === 'outrider' && manifest.version !== undefined) return manifest.version
    } catch {
      // Not here: the next place.
    }
  }
  return 'unknown'
}
