import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type LineTarget, openTarget } from '../../../proxy/telemetry/line-target.ts'
import { UnreadPipe } from './support.ts'

const directory = mkdtempSync(join(tmpdir(), 'outrider-descriptors-'))
t.teardown(() => rmSync(directory, { recursive: true }))

/** Octets that a target takes, now or later. */
function written(target: LineTarget, text: string): Promise<number> {
  const buffer = Buffer.from(text)
  return new Promise(resolve => {
    const now = target.write(buffer, 0, buffer.length, resolve)
    if (now !== null) resolve(now)
  })
}

const flagsOf = (descriptor: number) => /^flags:\t(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1]

t.test('who shares a pipe with us keeps a descriptor that blocks, while ours takes what there is room for', async t => {
  const pipe = new UnreadPipe(join(directory, 'pipe'))
  const before = flagsOf(pipe.writing)
  const target = openTarget(pipe.writing)
  t.equal(flagsOf(pipe.writing), before)
  const piece = 'x'.repeat(target.chunkBytes)
  let pieces = 0
  while ((await written(target, piece)) === piece.length) pieces++
  t.ok(pieces > 0)
  t.equal(await written(target, piece), 0, 'a pipe that is full takes nothing, not a part')
  t.equal(pipe.read().length, pieces * piece.length)
  t.equal(await written(target, piece), piece.length)
  t.notOk(target.isStuck)
})

t.test('a pipe whose reader has left takes nothing, and throws nothing', async t => {
  const pipe = new UnreadPipe(join(directory, 'left'))
  const target = openTarget(pipe.writing)
  pipe.leave()
  t.equal(await written(target, 'a\n'), 0)
  const late = openTarget(pipe.writing)
  t.equal(await written(late, 'a\n'), 0)
  closeSync(pipe.writing)
})

t.test('a file keeps the order with what others write through the same descriptor', async t => {
  const path = join(directory, 'file')
  const descriptor = openSync(path, 'w')
  const target = openTarget(descriptor)
  t.equal(await written(target, 'one\n'), 4)
  writeSync(descriptor, 'two\n')
  t.equal(await written(target, 'three\n'), 6)
  t.equal(target.writeLast(Buffer.from('four\n'), 0, 5), 5)
  t.equal(readFileSync(path, 'utf8'), 'one\ntwo\nthree\nfour\n')
  t.notOk(target.isStuck)
  closeSync(descriptor)
})
