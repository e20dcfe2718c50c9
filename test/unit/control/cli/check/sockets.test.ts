import { endianness } from 'node:os'
import t from 'tap'
import { isInTheWay, parseListeners } from '../../../../../control/cli/check/sockets.ts'

/** As the kernel of a little-endian machine prints them; on another one each word is the other way round. */
const word = (hex: string) => (endianness() === 'LE' ? hex : (hex.match(/../g) ?? []).reverse().join(''))
const words = (hex: string) => (hex.match(/.{8}/g) ?? []).map(word).join('')

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: ${words('0100007F')}:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 106831 1 0000000000000000 100 0 0 10 0
   1: ${words('00000000')}:3A9E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1684 1 0000000000000000 100 0 0 10 0
   2: ${words('0100007F')}:4B0C 0100007F:BA24 06 00000000:00000000 03:0000156A 00000000     0        0 0 3 0000000000000000
`
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: ${words('00000000000000000000000001000000')}:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1 0 100 0 0 10 0
   1: ${words('B80D0120000000000000000001000000')}:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6 1 0 100 0 0 10 0
   2: ${words('0000000000000000FFFF00000700000A')}:0052 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0 100 0 0 10 0
   3: ${words('00000000000000000000000000000000')}:0053 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 8 1 0 100 0 0 10 0
`

t.test('the kernel’s tables tell who listens where, and with which inode', async t => {
  t.same(parseListeners(TCP), [
    { address: '127.0.0.1', port: 8_080, inode: '106831' },
    { address: '0.0.0.0', port: 15_006, inode: '1684' },
  ])
  t.same(parseListeners(TCP6), [
    { address: '::1', port: 80, inode: '5' },
    { address: '2001:db8::1', port: 81, inode: '6' },
    { address: '10.0.0.7', port: 82, inode: '7' },
    { address: '::', port: 83, inode: '8' },
  ])
  t.same(parseListeners(''), [])
})

t.test('a listener is in the way of its own address, and a wildcard of every one', async t => {
  const on = (address: string) => ({ address, port: 80, inode: '1' })
  t.ok(isInTheWay(on('127.0.0.1'), { host: '127.0.0.1', port: 80 }))
  t.ok(isInTheWay(on('127.0.0.1'), { host: 'localhost', port: 80 }))
  t.ok(isInTheWay(on('::'), { host: '127.0.0.1', port: 80 }))
  t.ok(isInTheWay(on('10.0.0.7'), { host: '0.0.0.0', port: 80 }))
  t.notOk(isInTheWay(on('10.0.0.7'), { host: '127.0.0.1', port: 80 }))
  t.notOk(isInTheWay(on('0.0.0.0'), { host: '0.0.0.0', port: 81 }))
})
