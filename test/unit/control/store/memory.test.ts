import t from 'tap'
import { MemoryStore } from '../../../../control/store/memory.ts'
import { storeSuite } from '../../../support/store-suite.ts'

storeSuite(t, (_, { limits = {}, now = () => 0 }) => new MemoryStore({ limits, clock: { now } }))
