// RFC 8446, 5.1 and 4: a record begins with its type, a version and its length; in it a message begins with its type and its
// length. A record holds 2^14 bytes at most.
const recordHeaderBytes = 5;
const messageHeaderBytes = 4;
const mostRecordBytes = 16 * 1024;
const handshakeRecord = 22;
const clientHello = 1;

/** What a connection has presented so far: the whole ClientHello, a part of it, or something else. */
export type Presented = 'hello' | 'part' | 'other';

/**
 * Whether the first bytes of a connection are a ClientHello in one record, as clients send it. Whoever cuts it into several
 * records presents something else.
 */
export const presentedBy = (bytes: Uint8Array): Presented => {
  const [type, , , high = 0, low = 0, messageType, top = 0, middle = 0, bottom = 0] = bytes;
  if (type === undefined) return 'part';
  if (type !== handshakeRecord) return 'other';
  if (bytes.length < recordHeaderBytes + messageHeaderBytes) return 'part';
  const recordBytes = high * 256 + low;
  const messageBytes = messageHeaderBytes + top * 65_536 + middle * 256 + bottom;
  if (messageType !== clientHello || messageBytes > recordBytes || recordBytes > mostRecordBytes)
    return 'other';
  return bytes.length < recordHeaderBytes + recordBytes ? 'part' : 'hello';
};
