import { CODE, INT31 } from './codes.ts'
import { uint32At } from './frame-reader.ts'

/** Setting ids (RFC 9113 section 6.5.2, RFC 8441 section 3). */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  ENABLE_CONNECT_PROTOCOL: 8,
} as const

/** What the peer has said, with the protocol's defaults for what it has not. */
export interface PeerSettings {
  headerTableSize: number
  /** Streams that it allows at once; Infinity: as many as one likes. */
  maxConcurrentStreams: number
  initialWindowSize: number
  maxFrameSize: number
  /** Infinity: it has not said. */
  maxHeaderListSize: number
  canExtendedConnect: boolean
}

export function defaultSettings(): PeerSettings {
  return {
    headerTableSize: 4_096,
    maxConcurrentStreams: Number.POSITIVE_INFINITY,
    initialWindowSize: 65_535,
    maxFrameSize: 16_384,
    maxHeaderListSize: Number.POSITIVE_INFINITY,
    canExtendedConnect: false,
  }
}

/** Why a SETTINGS frame ends its connection. */
export interface SettingsFault {
  readonly code: number
  readonly reason: string
}

/** Applies the payload of a SETTINGS frame, in its order, to `settings`. Null: all went well. Unknown ones are ignored. */
export function applySettings(settings: PeerSettings, octets: Buffer, start: number, end: number): SettingsFault | null {
  for (let p = start; p < end; p += 6) {
    const id = ((octets[p] as number) << 8) | (octets[p + 1] as number)
    const fault = applySetting(settings, id, uint32At(octets, p + 2))
    if (fault !== null) return fault
  }
  return null
}

function applySetting(settings: PeerSettings, id: number, value: number): SettingsFault | null {
  switch (id) {
    case SETTING.HEADER_TABLE_SIZE:
      settings.headerTableSize = value
      return null
    case SETTING.ENABLE_PUSH:
      return value > 1 ? { code: CODE.PROTOCOL_ERROR, reason: `ENABLE_PUSH ${value}` } : null
    case SETTING.MAX_CONCURRENT_STREAMS:
      settings.maxConcurrentStreams = value
      return null
    case SETTING.INITIAL_WINDOW_SIZE:
      if (value > INT31) return { code: CODE.FLOW_CONTROL_ERROR, reason: `INITIAL_WINDOW_SIZE ${value}` }
      settings.initialWindowSize = value
      return null
    case SETTING.MAX_FRAME_SIZE:
      if (value < 16_384 || value > 16_777_215) return { code: CODE.PROTOCOL_ERROR, reason: `MAX_FRAME_SIZE ${value}` }
      settings.maxFrameSize = value
      return null
    case SETTING.MAX_HEADER_LIST_SIZE:
      settings.maxHeaderListSize = value
      return null
    case SETTING.ENABLE_CONNECT_PROTOCOL:
      if (value > 1) return { code: CODE.PROTOCOL_ERROR, reason: `ENABLE_CONNECT_PROTOCOL ${value}` }
      settings.canExtendedConnect = value === 1
      return null
    default:
      return null
  }
}
