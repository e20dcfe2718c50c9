import { isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node, type YAMLError, type Document as YamlDocument } from 'yaml'
import type { Path } from './schema.ts'

/** Line, from 1, of the part at `path`, or of the deepest part around it that is there: of a mapping's member, its key. */
export function yamlLineOf(document: YamlDocument, lines: LineCounter, path: Path): number | null {
  let node: Node | null = document.contents as Node | null
  let offset = node?.range?.[0]
  for (const part of path) {
    const here: Node | null | undefined = isAlias(node) ? node.resolve(document) : node
    const [at, next] = member(here, part)
    if (at === undefined) break
    offset = at
    node = next
  }
  return offset === undefined ? null : lines.linePos(offset).line
}

function member(node: Node | null | undefined, part: string | number): readonly [number | undefined, Node | null] {
  if (isSeq(node)) {
    const item = node.items[part as number]
    return isNode(item) ? [item.range?.[0], item] : [undefined, null]
  }
  if (!isMap(node)) return [undefined, null]
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part)
  if (pair === undefined || !isScalar(pair.key)) return [undefined, null]
  return [pair.key.range?.[0], isNode(pair.value) ? pair.value : null]
}

/** What a fault of the YAML reader means to an operator. */
export function yamlMessage(error: YAMLError, text: string): string {
  const here = text.slice(error.pos[0], error.pos[1])
  if (error.code === 'DUPLICATE_KEY') return `the key ${firstWord(text.slice(error.pos[0], error.pos[0] + 64))} is there twice`
  if (error.code === 'TAG_RESOLVE_FAILED') return `unknown tag ${firstWord(here)}`
  if (error.code === 'NON_STRING_KEY') return 'a key must be text'
  if (error.code === 'TAB_AS_INDENT') return 'is indented by a tab: YAML takes blanks alone'
  return `is not YAML: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`
}

function firstWord(text: string): string {
  return /^[^\s:,}\]]*/.exec(text)?.[0] ?? ''
}
