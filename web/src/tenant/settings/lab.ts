/** What the mail lab hands to the server. */
import type { ChannelType, InboundFormat } from '../../lib/types';

export type Format = InboundFormat;
/** Bytes of a file that still fit when they are written in base64 into a call. */
export const longest = 700_000;

/** What a channel can be asked about, the usual one first. */
export function formats(type: ChannelType): readonly [Format, ...Format[]] {
  return type === 'email' ? ['mail', 'form', 'event'] : ['event'];
}

/** Bytes in base64. A mail need not be text of any one charset, so it goes as bytes. */
export function base64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}
