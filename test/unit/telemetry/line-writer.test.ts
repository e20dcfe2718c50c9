import t from 'tap'
import type { LineTarget } from '../../../proxy/telemetry/line-target.ts'
import { LineWriter, MAX_RESERVED_BYTES, MAX_RETRY_MS, MAX_WAITING_BYTES } from '../../../proxy/telemetry/line-writer.ts'
import { HandClock } from '../../support/hand-clock.ts'

/** A reader by hand: takes as much as there is room for, at once or when the test says so. */
class Reader implements LineTarget {
  readonly chunkBytes: number = 64
  readonly isStuck = false
  room = Number.POSITIVE_INFINITY
  isDeferred = false
  /** Of each call, all that was offered. */
  readonly offered: string[] = []
  text = ''
  finish: (() => void) | null = null

  write(buffer: Buffer, from: number, to: number, done: (written: number) => void): number | null {
    this.offered.push(buffer.toString('utf8', from, to))
    if (!this.isDeferred) return this.#take(buffer, from, to)
    this.finish = () => {
      this.finish = null
      done(this.#take(buffer, from, to))
    }
    return null
  }

  writeLast(buffer: Buffer, from: number, to: number): number {
    return this.#take(buffer, from, to)
  }

  #take(buffer: Buffer, from: number, to: number): number {
    const written = Math.min(to - from, this.room)
    this.room -= written
    this.text += buffer.toString('utf8', from, from + written)
    return written
  }
}

function setup(chunkBytes = 64) {
  const reader = new (class extends Reader {
    override readonly chunkBytes = chunkBytes
  })()
  const clock = new HandClock()
  const turns: (() => void)[] = []
  const writer = new LineWriter({
    target: reader,
    timers: clock.wheel,
    note: count => `${count} missing\n`,
    atEndOfTurn: callback => turns.push(callback),
  })
  const endTurn = () => {
    for (const callback of turns.splice(0)) callback()
  }
  return { reader, clock, writer, turns, endTurn }
}

/** Fills what may wait with lines of 1 KiB. */
function fill(writer: LineWriter): number {
  const line = `${'x'.repeat(1_023)}\n`
  let count = 0
  while (writer.write(line)) count++
  return count
}

t.test('lines of one turn go out in one write, at its end', async t => {
  const { reader, writer, turns, endTurn } = setup()
  t.ok(writer.write('one\n'))
  t.ok(writer.write('zwö\n'))
  t.equal(turns.length, 1)
  t.same(reader.offered, [])
  endTurn()
  t.same(reader.offered, ['one\nzwö\n'])
  t.ok(writer.isCaughtUp)
  writer.write('three\n')
  endTurn()
  t.equal(reader.text, 'one\nzwö\nthree\n')
})

t.test('no piece ends within a line, except of one that is longer than a piece', async t => {
  const { reader, writer, endTurn } = setup(10)
  writer.write('a\n')
  for (const line of ['12345\n', '6789\n', `${'y'.repeat(30)}\n`, 'z\n']) writer.write(line)
  endTurn()
  t.same(reader.offered, ['a\n12345\n', '6789\n', `${'y'.repeat(30)}\n`, 'z\n'])
  writer.write(`${'w'.repeat(30)}\n`)
  endTurn()
  writer.write('12345\n')
  writer.write('67890\n')
  endTurn()
  t.same(reader.offered.slice(4), [`${'w'.repeat(30)}\n`, '12345\n', '67890\n'])
})

t.test('what a reader takes in parts arrives whole and in order', async t => {
  const { reader, clock, writer, endTurn } = setup()
  reader.room = 5
  writer.write('first\n')
  writer.write('second\n')
  endTurn()
  t.equal(reader.text, 'first')
  t.notOk(writer.isCaughtUp)
  writer.write('third\n')
  reader.room = 3
  clock.pass(10)
  t.equal(reader.text, 'first\nse')
  reader.room = 100
  clock.pass(20)
  t.equal(reader.text, 'first\nsecond\nthird\n')
})

t.test('a reader that takes nothing is tried ever more rarely, and not at each line', async t => {
  const { reader, clock, writer, turns, endTurn } = setup()
  reader.room = 0
  writer.write('a\n')
  endTurn()
  for (let i = 0; i < 10; i++) writer.write('b\n')
  t.equal(turns.length, 0)
  t.equal(reader.offered.length, 1)
  clock.pass(1_000)
  const tries = reader.offered.length
  t.ok(tries > 5 && tries < 20, `${tries} tries`)
  clock.pass(10 * MAX_RETRY_MS)
  t.ok(reader.offered.length - tries <= 10)
  reader.room = Number.POSITIVE_INFINITY
  clock.pass(MAX_RETRY_MS + 5)
  t.equal(reader.text, `a\n${'b\n'.repeat(10)}`)
})

t.test('beyond the limit whole lines are dropped and counted; when the reader has caught up one line says how many', async t => {
  const { reader, clock, writer, endTurn } = setup(4_096)
  reader.room = 0
  const count = fill(writer)
  t.equal(count, MAX_WAITING_BYTES / 1_024)
  t.ok(writer.isFull)
  writer.skip()
  endTurn()
  reader.room = 2_048
  clock.pass(200)
  t.ok(writer.isFull, 'there is room for a line, but dropping goes on until all that waits is written')
  t.notOk(writer.write('short\n'))
  reader.room = Number.POSITIVE_INFINITY
  clock.pass(200)
  t.notOk(writer.isFull)
  t.ok(writer.write('after\n'))
  endTurn()
  const lines = reader.text.split('\n')
  t.same(lines.slice(count), ['3 missing', 'after', ''])
  t.ok(lines.slice(0, count).every(line => line.length === 1_023))
})

t.test('the process log has octets of its own, which are limited too', async t => {
  const { reader, clock, writer } = setup(4_096)
  reader.room = 0
  fill(writer)
  let reserved = 0
  while (writer.write(`${'w'.repeat(1_023)}\n`, true)) reserved++
  t.equal(reserved, MAX_RESERVED_BYTES / 1_024)
  reader.room = Number.POSITIVE_INFINITY
  clock.pass(200)
})

t.test('a line that could never wait is dropped, and the next one is written', async t => {
  const { reader, writer, endTurn } = setup()
  t.notOk(writer.write('x'.repeat(MAX_WAITING_BYTES + 1)))
  endTurn()
  t.ok(writer.write('y\n'))
  endTurn()
  t.equal(reader.text, '1 missing\ny\n')
})

t.test('while a write is on its way no other begins, and lines join behind it', async t => {
  const { reader, writer, turns, endTurn } = setup()
  reader.isDeferred = true
  writer.write('a\n')
  endTurn()
  writer.write('b\n')
  writer.write('c\n')
  t.equal(turns.length, 0)
  t.equal(reader.offered.length, 1)
  reader.finish?.()
  t.same(reader.offered, ['a\n', 'b\nc\n'])
  reader.finish?.()
  t.equal(reader.text, 'a\nb\nc\n')
  t.ok(writer.isCaughtUp)
})

t.test('a write on its way that fails is tried again later', async t => {
  const { reader, clock, writer, endTurn } = setup()
  reader.isDeferred = true
  reader.room = 0
  writer.write('a\n')
  endTurn()
  reader.finish?.()
  t.equal(reader.finish, null)
  reader.room = 10
  clock.pass(10)
  reader.finish?.()
  t.equal(reader.text, 'a\n')
})

t.test('a flush resolves when all is written, or says after its time that it is not', async t => {
  const { reader, clock, writer, endTurn } = setup()
  t.equal(await writer.flush(100), true, 'nothing waits')
  writer.write('a\n')
  const soon = writer.flush(100)
  endTurn()
  t.equal(await soon, true)
  reader.room = 0
  writer.write('b\n')
  endTurn()
  const never = writer.flush(100)
  clock.pass(110)
  t.equal(await never, false)
})

t.test('an end that nobody planned tries once, behind what is on its way', async t => {
  const { reader, writer, endTurn } = setup(4)
  reader.isDeferred = true
  writer.write('aa\n')
  endTurn()
  writer.write('bb\n')
  writer.write('cc\n')
  writer.flushLast()
  t.equal(reader.text, 'bb\ncc\n', 'the first line is in the hands of a thread')
  const stuck = setup()
  stuck.reader.room = 0
  stuck.writer.write('a\n')
  stuck.writer.flushLast()
  t.equal(stuck.reader.text, '')
})
