import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Replaces a file so that a reader, or a start after a power cut, finds the old content or the new one and nothing between:
 * a temporary file beside it, fsync, rename, fsync of the folder. Rejects with the system's error.
 */
export async function replaceFile(path: string, content: readonly Uint8Array[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.new`
  try {
    await writeDurably(temporary, content)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

async function writeDurably(path: string, content: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    for (const piece of content) await file.writeFile(piece)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** What reading a file gave. */
export type FileContent =
  | { readonly kind: 'content'; readonly content: Buffer }
  | { readonly kind: 'absent' }
  | { readonly kind: 'too-large'; readonly bytes: number }

/** Reads a whole file of at most `maxBytes`. Rejects with the system's error where it exists and cannot be read. */
export async function readFileUpTo(path: string, maxBytes: number): Promise<FileContent> {
  try {
    const { size } = await stat(path)
    if (size > maxBytes) return { kind: 'too-large', bytes: size }
    const file = await open(path, 'r')
    try {
      return { kind: 'content', content: await file.readFile() }
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'absent' }
    throw error
  }
}

/** Moves a file out of the way, for whoever wants to look at it; an earlier one that was set aside is replaced. Its new path. */
export async function setAside(path: string): Promise<string> {
  const aside = `${path}.refused`
  await rename(path, aside)
  return aside
}
